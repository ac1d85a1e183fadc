import asyncio

from beseda.testing.clock import ManualClock


async def test_advance_wakes_in_order() -> None:
    clock, woken = ManualClock(), []

    async def doze(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.create_task(doze(seconds)) for seconds in (2.0, 1.0, 5.0)]
    await clock.advance(3)

    assert woken == [(1.0, 1.0), (2.0, 2.0)]
    await clock.advance(2)
    await asyncio.gather(*tasks)


async def test_loop_of_sleeps_sees_every_step() -> None:
    clock, ticks = ManualClock(), []

    async def tick() -> None:
        for _ in range(3):
            await clock.sleep(1)
            ticks.append(clock.monotonic())

    task = asyncio.create_task(tick())
    await clock.advance(10)
    await task

    assert ticks == [1, 2, 3]
    assert clock.monotonic() == 10


async def test_instant_clock_moves_itself() -> None:
    clock = ManualClock(instant=True)
    start = clock.now()
    await clock.sleep(90)

    assert (clock.now() - start).total_seconds() == 90
    assert clock.slept == [90]


async def test_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.wait_for_sleepers()
    task.cancel()
    await asyncio.wait([task])

    assert clock.sleepers == 0
    await clock.advance(2)
