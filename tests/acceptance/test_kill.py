"""Promise 2: nothing is lost and nothing is answered twice, whenever the process dies."""

import asyncio
import os
from pathlib import Path

from bench.kill import Ordeal, run_ordeal


async def test_kill_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    async with asyncio.timeout(300):
        verdict = await run_ordeal(Ordeal(users=200, kills=20), tmp_path, os.sched_getaffinity(0))
    print(verdict)
    assert verdict.messages > 1000, "too little was under way to prove anything"
    assert verdict.begun > 0, "no kill met a delivery: the window was never tried"
    assert verdict.faults == 0, verdict
