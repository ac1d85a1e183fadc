"""Ordered under a key, side by side across keys."""

import asyncio

import pytest

from beseda.kit.lanes import Lane, Lanes


async def test_items_of_one_key_are_worked_on_in_order() -> None:
    done: list[tuple[str, int]] = []

    async def work(key: str, lane: Lane[int]) -> None:
        item = lane.take()
        await asyncio.sleep(0)
        done.append((key, item))

    lanes = Lanes(work)
    for number in range(3):
        lanes.put("a", number)
        lanes.put("b", number)
    assert await lanes.drain(within=1)
    assert [item for key, item in done if key == "a"] == [0, 1, 2]
    assert {key for key, _ in done[:2]} == {"a", "b"}


async def test_failure_is_logged_and_the_lane_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    async def work(_: str, lane: Lane[int]) -> None:
        item = lane.take()
        if item == 0:
            raise ValueError("bad item")
        done.append(item)

    lanes = Lanes(work)
    lanes.put("a", 0)
    lanes.put("a", 1)
    assert await lanes.drain(within=1)
    assert done == [1]
    assert "bad item" in caplog.text


async def test_work_that_takes_nothing_does_not_spin() -> None:
    calls = 0

    async def work(_: str, __: Lane[int]) -> None:
        nonlocal calls
        calls += 1

    lanes = Lanes(work)
    lanes.put("a", 0)
    assert await lanes.drain(within=1)
    assert (calls, lanes.pending) == (1, 0)


async def test_next_item_is_taken_when_it_comes_in_time_and_is_wanted() -> None:
    taken: list[list[int]] = []

    async def work(_: str, lane: Lane[int]) -> None:
        items = [lane.take()]
        while (more := await lane.take_next_if(lambda item: item < 10, within=0.05)) is not None:
            items.append(more)
        taken.append(items)

    lanes = Lanes(work)
    lanes.put("a", 1)
    await asyncio.sleep(0)
    lanes.put("a", 2)
    lanes.put("a", 10)
    assert await lanes.drain(within=1)
    assert taken == [[1, 2], [10]]


async def test_pending_counts_what_is_worked_on_too() -> None:
    release = asyncio.Event()

    async def work(_: str, lane: Lane[int]) -> None:
        lane.take()
        await release.wait()

    lanes = Lanes(work)
    lanes.put("a", 1)
    lanes.put("b", 1)
    await asyncio.sleep(0)
    assert lanes.pending == 2
    assert not await lanes.drain(within=0.01)
    release.set()
    assert await lanes.drain(within=1)
    assert lanes.pending == 0


async def test_close_cancels_what_runs_and_lets_it_clean_up() -> None:
    cleaned = asyncio.Event()

    async def work(_: str, lane: Lane[int]) -> None:
        lane.take()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    lanes = Lanes(work)
    lanes.put("a", 1)
    await asyncio.sleep(0)
    await lanes.close()
    assert cleaned.is_set()
    assert lanes.pending == 0


async def test_taking_back_leaves_what_runs_and_drops_what_waits() -> None:
    done: list[int] = []
    dropped: list[int] = []
    go = asyncio.Event()

    async def work(_: str, lane: Lane[int]) -> None:
        item = lane.take()
        await go.wait()
        done.append(item)

    lanes = Lanes(work, drop=dropped.extend)
    for number in range(3):
        lanes.put("a", number)
    lanes.put("b", 7)
    await asyncio.sleep(0)
    lanes.take_back(lambda key: key == "a")
    assert (dropped, lanes.pending, lanes.has(lambda key: key == "a")) == ([1, 2], 2, True)
    go.set()
    assert await lanes.drain(within=1)
    assert (sorted(done), lanes.has(lambda key: key == "a")) == ([0, 7], False)


@pytest.mark.parametrize("steps", [0, 1])
async def test_cancelled_lane_tidies_up_whether_it_had_begun_or_not(steps: int) -> None:
    ended: list[int] = []
    dropped: list[int] = []

    async def work(_: str, lane: Lane[int]) -> None:
        item = lane.take()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    lanes = Lanes(work, drop=dropped.extend)
    lanes.put("a", 0)
    lanes.put("a", 1)
    for _ in range(steps):
        await asyncio.sleep(0)
    lanes.take_back(lambda _: True, cancel=True)
    assert await lanes.drain(within=1)
    assert (ended, dropped) == (([0], [1]) if steps else ([], [0, 1]))
    assert not lanes.has(lambda _: True)


async def test_item_put_while_a_cancelled_lane_tidies_up_is_dropped_and_said_to_be() -> None:
    dropped: list[int] = []
    tidied = asyncio.Event()

    async def work(_: str, lane: Lane[int]) -> None:
        lane.take()
        try:
            await asyncio.Event().wait()
        finally:
            await tidied.wait()

    lanes = Lanes(work, drop=dropped.extend)
    lanes.put("a", 0)
    await asyncio.sleep(0)
    lanes.take_back(lambda _: True, cancel=True)
    lanes.put("a", 1)
    tidied.set()
    assert await lanes.drain(within=1)
    assert dropped == [1]
