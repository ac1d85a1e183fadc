"""The whole platform in small: two replicas, two workers, PostgreSQL and Redis, and each kind of part killed once."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bench.model_server import Tempo
from bench.replicas import Ordeal, run_ordeal

pytestmark = pytest.mark.slow

_SMALL = Ordeal(
    users=30,
    photographers=4,
    calm=1.5,
    gone=0.5,
    pause=(0.5, 1.5),
    victims=("bot-1", "worker-1", "redis", "postgres"),
    tempo=Tempo(least=0.3, most=0.8, chunks=4),
)


@pytest.mark.skipif(sys.platform != "linux", reason="takes its measures from Linux")
async def test_platform_loses_nothing_whichever_part_is_killed(tmp_path: Path) -> None:
    async with asyncio.timeout(150):
        trial, rows = await run_ordeal(_SMALL, tmp_path, os.sched_getaffinity(0))
    assert [death.victim for death in trial.deaths] == list(_SMALL.victims)
    assert [f"{row.name}: {row.value:g}" for row in rows if not row.is_kept] == []
    found = {row.name: row.value for row in rows}
    assert found["texts"] > _SMALL.users
    assert found["photos"] >= _SMALL.photographers
    assert found["texts answered twice inside the window"] <= found["deliveries in the window at a death"]
