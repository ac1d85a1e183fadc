import asyncio
import contextlib

from beseda.core.tasks import end_tasks


async def test_task_that_forgets_a_cancellation_is_ended_all_the_same() -> None:
    heard = 0

    async def forget_once() -> None:
        nonlocal heard
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        heard += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(forget_once())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end_tasks([task])
    assert (heard, task.cancelled()) == (1, True)


async def test_error_of_a_task_is_dropped() -> None:
    async def fail() -> None:
        raise ValueError

    task = asyncio.create_task(fail())
    await end_tasks([task])
    assert task.done()


async def test_nothing_to_end_is_no_wait() -> None:
    await end_tasks([])
