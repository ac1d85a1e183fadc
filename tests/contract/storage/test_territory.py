import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from beseda.core.errors import StorageError
from beseda.core.process_identity import new_process_id
from beseda.db.database import Database
from beseda.db.migrate import upgrade
from beseda.engine.shards.repository import EVERYTHING, LeaseRequest, ShardLeaseRepository
from tests.parts.postgres import PostgresServer
from tests.parts.waiting import eventually

BOT = "assistant"


class ShiftedClock:
    """The time of this machine, so many seconds later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture
def territory(database: Database) -> ShardLeaseRepository:
    return ShardLeaseRepository(database)


def claim(name: str, *released: int, lease: float = 60.0, leaving: bool = False) -> LeaseRequest:
    return LeaseRequest(BOT, name, lease, frozenset(released), leaving)


async def test_first_one_has_everything(territory: ShardLeaseRepository) -> None:
    status = await territory.beat(claim("a"))
    assert (status.owned, status.surplus, status.others, status.unmet) == (EVERYTHING, 0, 0, False)


async def test_second_one_gets_half_once_the_first_has_handed_it_back(territory: ShardLeaseRepository) -> None:
    await territory.beat(claim("a"))
    status = await territory.beat(claim("b"))
    assert (status.owned, status.unmet) == (frozenset(), True)
    assert (await territory.beat(claim("a"))).surplus == 32
    kept = await territory.beat(claim("a", *range(32)))
    assert (len(kept.owned), kept.surplus) == (32, 0)
    status = await territory.beat(claim("b"))
    assert (status.owned, status.unmet, status.others) == (EVERYTHING - kept.owned, False, 1)


async def test_shards_left_by_one_are_taken_by_the_others(territory: ShardLeaseRepository) -> None:
    await territory.beat(claim("a"))
    await territory.beat(claim("b"))
    going = await territory.beat(claim("a", *range(60), leaving=True))
    assert going.owned == frozenset(range(60, 64))
    assert len((await territory.beat(claim("b"))).owned) == 60
    await territory.leave(BOT, "a")
    status = await territory.beat(claim("b"))
    assert (status.owned, status.others) == (EVERYTHING, 0)


async def test_expired_lease_frees_its_shards(territory: ShardLeaseRepository) -> None:
    await territory.beat(claim("a", lease=0.05))

    async def has_everything() -> bool:
        return (await territory.beat(claim("b"))).owned == EVERYTHING

    await eventually(has_everything)
    late = await territory.beat(claim("a"))
    assert (late.owned, late.others) == (frozenset(), 1)


async def test_outage_of_the_database_takes_nothing_from_any_owner(territory: ShardLeaseRepository) -> None:
    for name in ("a", "b"):
        await territory.beat(claim(name))
    await territory.beat(claim("a", *range(32), lease=1.0))
    mine = (await territory.beat(claim("b", lease=1.0))).owned
    assert len(mine) == 32
    silent_until = time.monotonic() + 1.1

    async def leases_have_run_out() -> bool:
        return time.monotonic() > silent_until  # nobody reaches the database meanwhile

    await eventually(leases_have_run_out)
    assert (await territory.beat(claim("b"))).owned == mine
    assert (await territory.beat(claim("a"))).owned == EVERYTHING - mine


async def test_dead_process_of_this_machine_gives_way_immediately(territory: ShardLeaseRepository) -> None:
    host = new_process_id().partition(":")[0]
    await territory.beat(claim(f"{host}:999999999:ab"))
    assert (await territory.beat(claim(new_process_id()))).owned == EVERYTHING


async def test_bots_are_shared_out_one_by_one(territory: ShardLeaseRepository) -> None:
    await territory.beat(claim("a"))
    assert (await territory.beat(LeaseRequest("other", "b", 60.0))).owned == EVERYTHING


async def test_concurrent_heartbeats_never_give_a_shard_twice(database: Database, database_url: str) -> None:
    other = await Database.open(database_url)
    try:
        stores = [ShardLeaseRepository(database), ShardLeaseRepository(other)]
        names = [f"replica-{number}" for number in range(8)]
        owned: list[int] = []
        for _ in range(4):
            standings = await asyncio.gather(
                *(stores[number % 2].beat(claim(name)) for number, name in enumerate(names))
            )
            owned = [part for status in standings for part in status.owned]
            assert len(owned) == len(set(owned))
        assert len(owned) == 64
    finally:
        await other.close()


async def test_postgres_goes_by_its_own_clock(database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        return
    database = await Database.open(database_url)
    try:
        await ShardLeaseRepository(database).beat(claim("a"))
        ahead = ShardLeaseRepository(database, ShiftedClock(3600))
        assert (await ahead.beat(claim("b"))).owned == frozenset()
    finally:
        await database.close()


async def test_held_lock_holds_up_no_other_write(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    await upgrade(url)
    database, stuck = await Database.open(url), await asyncpg.connect(url)
    try:
        territory = ShardLeaseRepository(database)
        await territory.beat(claim("a"))
        async with stuck.transaction():
            await stuck.execute("SELECT * FROM territories FOR UPDATE")
            with pytest.raises(StorageError):
                await territory.beat(claim("a"))
        assert (await territory.beat(claim("a"))).owned == EVERYTHING
    finally:
        await stuck.close()
        await database.close()
