"""A lock that goes to the waiter of the lowest rank."""

import asyncio

import pytest

from beseda.core.priority_lock import PriorityLock


async def test_lowest_rank_comes_first_and_equal_ranks_in_order_of_arrival() -> None:
    lock, order = PriorityLock(), list[str]()

    async def work(rank: float, name: str) -> None:
        async with lock.hold(rank):
            order.append(name)
            await asyncio.sleep(0)

    async with lock.hold(9.0):
        tasks = [
            asyncio.create_task(work(rank, name)) for rank, name in [(3.0, "c"), (1.0, "a"), (3.0, "d"), (2.0, "b")]
        ]
        await asyncio.sleep(0)
        assert order == []
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c", "d"]


async def test_waiter_that_is_cancelled_leaves_the_lock_to_the_next() -> None:
    lock, done = PriorityLock(), list[int]()

    async def work(rank: int) -> None:
        async with lock.hold(rank):
            done.append(rank)

    async with lock.hold(0):
        first, second = asyncio.create_task(work(1)), asyncio.create_task(work(2))
        await asyncio.sleep(0)
        first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.wait_for(second, 5)
    assert done == [2]


async def test_waiter_cancelled_as_it_gets_the_lock_gives_it_back() -> None:
    lock = PriorityLock()

    async def work() -> None:
        async with lock.hold(1):
            await asyncio.Event().wait()

    async with lock.hold(0):
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
    task.cancel()  # the lock is given to it, and it has not run since
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5), lock.hold(2):
        pass
