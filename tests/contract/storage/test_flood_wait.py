from datetime import timedelta

from beseda.db.database import Database
from beseda.engine.flood_waits.repository import FloodWait, FloodWaitRepository
from beseda.testing.clock import ManualClock


async def test_waits_are_counted_since(database: Database) -> None:
    clock = ManualClock()
    store = FloodWaitRepository(database, clock)
    await store.record(FloodWait("assistant", "sendMessage", 17.5, -(10**13), "supergroup"))
    clock.shift(60)
    await store.record(FloodWait("assistant", "getUpdates", 3))
    assert await store.count(clock.now() - timedelta(seconds=60)) == 2
    assert await store.count(clock.now() - timedelta(seconds=59)) == 1
