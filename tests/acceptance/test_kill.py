"""Promise 2: nothing is lost and nothing is answered twice, whenever the process dies."""

import asyncio
import os
from pathlib import Path

import pytest

from bench.kill import GROWING, Ordeal, run_ordeal

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("ordeal", [Ordeal(users=200, kills=20), GROWING], ids=["quick answers", "growing answers"])
async def test_kill_at_random_moments_loses_nothing_and_doubles_nothing(ordeal: Ordeal, tmp_path: Path) -> None:
    async with asyncio.timeout(900):
        verdict = await run_ordeal(ordeal, tmp_path, os.sched_getaffinity(0))
    print(verdict)
    assert verdict.messages > 2 * ordeal.users, "too little was under way to prove anything"
    # Answers that grow take seconds and their last edit a moment: there it is the growing that a kill must meet.
    assert verdict.begun > 0 or ordeal.groups, "no kill met a delivery: the window was never tried"
    assert bool(verdict.growing) is ordeal.groups, "no kill met an answer that was growing"
    assert verdict.faults == 0, verdict
    assert verdict.doubled_inside <= 2, verdict
