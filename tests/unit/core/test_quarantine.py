"""Suspects are worked on one at a time, those with the fewest crashes first."""

import asyncio

from beseda.core.quarantine import Quarantine


async def test_suspects_are_admitted_one_at_a_time_the_least_suspect_first() -> None:
    quarantine, order, running = Quarantine(), list[int](), 0

    async def work(crashes: int) -> None:
        nonlocal running
        async with quarantine.admit(crashes, strict=True):
            running += 1
            assert running == 1
            order.append(crashes)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(work(crashes) for crashes in (5, 2, 3)))
    assert order == [2, 3, 5]


async def test_suspects_that_end_well_let_more_run_and_strict_ones_come_last_alone() -> None:
    quarantine, running, most, alone = Quarantine(), 0, 0, dict[int, bool]()

    async def work(crashes: int, *, strict: bool = False) -> None:
        nonlocal running, most
        async with quarantine.admit(crashes, strict=strict) as is_alone:
            running += 1
            alone[crashes] = is_alone
            assert not strict or running == 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1

    await asyncio.gather(work(99, strict=True), *(work(crashes) for crashes in range(20)))
    assert most > 4
    assert (alone[0], alone[19], alone[99]) == (True, False, True)
    assert list(alone)[-1] == 99


async def test_suspect_that_fails_or_is_cancelled_lets_the_next_one_in() -> None:
    quarantine, entered = Quarantine(), asyncio.Event()

    async def hang() -> None:
        async with quarantine.admit(2):
            entered.set()
            await asyncio.Event().wait()

    first = asyncio.create_task(hang())
    await entered.wait()
    waiting = asyncio.create_task(hang())
    await asyncio.sleep(0)
    entered.clear()
    for task in (waiting, first):
        task.cancel()
    await asyncio.wait([first, waiting])
    async with asyncio.timeout(5), quarantine.admit(2):
        assert first.cancelled()
