"""What a crash would repeat is written before what can wait."""

import asyncio
from datetime import UTC, datetime

from beseda.engine.updates.repository import finish_updates
from tests.contract.storage.world import World


async def test_urgent_updates_go_before_waiting_ones(world: World) -> None:
    ended: list[str] = []

    async def write(name: str, number: int, *, urgent: bool = False) -> None:
        params = {"of_bot": "assistant", "of_update": number, "at": datetime.now(UTC)}
        await world.database.write_rows([(finish_updates, params)], urgent=urgent)
        ended.append(name)

    patient = [write("patient", number) for number in range(600)]
    urgent = [write("urgent", number, urgent=True) for number in range(600, 640)]
    await asyncio.gather(*patient, *urgent)
    assert ended[:40] == ["urgent"] * 40
    assert len(ended) == 640
