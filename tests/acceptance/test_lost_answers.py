"""Answers of Telegram that get lost, and a database that goes away, under load."""

import asyncio
import os
from pathlib import Path

import pytest

from bench.lost import Plan, run_losses, run_outages

pytestmark = pytest.mark.slow


async def test_lost_answers_of_telegram_double_one_message_in_a_thousand_at_most(tmp_path: Path) -> None:
    async with asyncio.timeout(300):
        verdict = await run_losses(Plan(messages=3000), tmp_path, os.sched_getaffinity(0))
    print(verdict)
    assert verdict.lost > 10, "too little was lost to prove anything"
    assert verdict.unanswered == 0
    assert verdict.disordered == 0
    assert verdict.doubled <= verdict.messages / 1000


async def test_database_that_is_away_twice_doubles_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async with asyncio.timeout(300):
        verdict = await run_outages(Plan(users=50), tmp_path, os.sched_getaffinity(0))
    print(verdict)
    assert (verdict.unanswered, verdict.doubled, verdict.disordered) == (0, 0, 0)
