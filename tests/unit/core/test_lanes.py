"""Ordered under a key, side by side across keys."""

import asyncio
import gc
import weakref

import pytest

from beseda.core.keyed_queues import Bounds, Lane, Lanes


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


async def test_pending_counts_running_work_too() -> None:
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


async def test_close_cancels_running_work_and_lets_it_clean_up() -> None:
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


async def test_taking_back_leaves_running_work_and_drops_waiting() -> None:
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


async def test_item_put_while_a_cancelled_lane_tidies_up_is_dropped_and_reported() -> None:
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


async def _wait_for_ever(_: str, lane: Lane[int]) -> None:
    lane.take()
    await asyncio.Event().wait()


async def test_one_key_takes_a_hundred_items_and_leaves_the_rest_in_storage() -> None:
    lanes = Lanes(_wait_for_ever)
    assert [lanes.put("a", number) for number in range(102)] == [True] * 100 + [False] * 2
    assert (lanes.pending, lanes.is_behind("a"), lanes.is_behind("b"), lanes.list_behind()) == (100, True, False, ["a"])
    await lanes.close()


async def test_a_key_with_ten_items_takes_no_more_while_five_thousand_wait() -> None:
    lanes = Lanes(_wait_for_ever)
    assert all(lanes.put("a", number) for number in range(10))
    assert all(lanes.put(f"key {number}", number) for number in range(4989))
    assert lanes.pending == 4999
    assert lanes.put("a", 10)
    assert not lanes.put("a", 11)
    assert [lanes.put("key 0", number) for number in range(10)] == [True] * 9 + [False]
    await lanes.close()


async def test_five_thousand_keys_work_at_a_time_and_one_more_only_if_it_must() -> None:
    lanes = Lanes(_wait_for_ever)
    assert all(lanes.put(str(number), 0) for number in range(4999))
    assert (lanes.is_full, lanes.is_idle("new"), lanes.is_idle("0")) == (False, True, False)
    assert lanes.put("last", 0)
    assert (lanes.is_full, lanes.is_idle("new")) == (True, False)
    assert not lanes.put("new", 0)
    assert not lanes.has(lambda key: key == "new")
    assert lanes.put("new", 0, always=True)
    await lanes.close()


async def test_backlog_is_fetched_by_the_work_itself_and_nothing_overtakes_it() -> None:
    done: list[int] = []
    stored = [2, 3]
    go = asyncio.Event()

    async def work(_: str, lane: Lane[int]) -> None:
        await go.wait()
        if not lane:
            assert lane.backlog == 2
            assert not lanes.put("a", 9)
            lane.backlog = 0
            for item in stored:
                lanes.fill(lane, item)
        done.append(lane.take())

    lanes = Lanes(work, bounds=Bounds(depth=2))
    assert [lanes.put("a", number) for number in range(4)] == [True, True, False, False]
    go.set()
    assert await lanes.drain(within=1)
    assert (done, lanes.pending, lanes.list_behind()) == ([0, 1, 2, 3], 0, [])


async def test_failure_leaves_the_backlog_in_storage() -> None:
    async def work(_: str, lane: Lane[int]) -> None:
        lane.take()
        raise ValueError("bad item")

    lanes = Lanes(work, bounds=Bounds(depth=1))
    assert [lanes.put("a", number) for number in range(2)] == [True, False]
    assert await asyncio.wait_for(lanes.drain(within=1), 2)
    await asyncio.sleep(0)
    assert (lanes.is_behind("a"), lanes.has(lambda _: True)) == (False, False)


async def test_failure_before_an_item_is_taken_drops_that_item_alone() -> None:
    done: list[int] = []
    failures = [ValueError("not ready")]

    async def work(_: str, lane: Lane[int]) -> None:
        if failures:
            raise failures.pop()
        done.append(lane.take())

    lanes = Lanes(work)
    for number in range(3):
        lanes.put("a", number)
    assert await lanes.drain(within=1)
    assert (done, lanes.pending) == ([1, 2], 0)


async def test_items_put_back_by_the_work_are_fetched_from_storage_again() -> None:
    dropped: list[list[int]] = []
    backlogs: list[int] = []

    async def work(_: str, lane: Lane[int]) -> None:
        backlogs.append(lane.backlog)
        if len(backlogs) == 1:
            lanes.put_back(lane)
            assert (lane.backlog, len(lane), lanes.pending) == (1, 0, 0)
        else:
            lane.backlog = 0

    lanes = Lanes(work, drop=lambda items: dropped.append(list(items)))
    for number in range(2):
        lanes.put("a", number)
    assert await lanes.drain(within=1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (backlogs, dropped, lanes.has(lambda _: True)) == ([0, 1], [[0, 1]], False)


async def test_taking_back_ends_work_that_only_waits_and_no_other() -> None:
    ended: list[str] = []

    async def work(key: str, lane: Lane[int]) -> None:
        lane.take()
        lane.is_waiting = key == "waiting"
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(key)

    lanes = Lanes(work)
    for key in ("waiting", "working", "other"):
        lanes.put(key, 0)
    await asyncio.sleep(0)
    lanes.take_back(lambda key: key != "other")
    for _ in range(3):
        await asyncio.sleep(0)
    assert ended == ["waiting"]
    lanes.take_back(lambda key: key == "working", cancel=True)
    for _ in range(3):
        await asyncio.sleep(0)
    assert (ended, lanes.has(lambda key: key == "other")) == (["waiting", "working"], True)
    await lanes.close()


async def test_closing_waits_only_as_long_as_it_may() -> None:
    release = asyncio.Event()

    async def work(_: str, lane: Lane[int]) -> None:
        lane.take()
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()

    lanes = Lanes(work)
    await lanes.close()
    lanes.put("a", 0)
    await asyncio.sleep(0)
    await asyncio.wait_for(lanes.close(within=0.02), 1)
    assert lanes.pending == 1
    release.set()
    await asyncio.wait_for(lanes.close(), 1)
    assert lanes.pending == 0


async def test_a_task_that_ended_is_not_kept() -> None:
    tasks: list[weakref.ref[asyncio.Task[None]]] = []

    async def work(_: str, lane: Lane[int]) -> None:
        lane.take()
        task = asyncio.current_task()
        assert task is not None
        tasks.append(weakref.ref(task))

    lanes = Lanes(work)
    lanes.put("a", 0)
    assert await lanes.drain(within=1)
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    assert [task() for task in tasks] == [None]


def _lane(*items: int) -> Lane[int]:
    lane: Lane[int] = Lane()
    for item in items:
        lane.put(item)
    return lane


def test_new_lane_has_nothing_behind_it() -> None:
    lane = _lane()
    assert (len(lane), lane.taken, lane.backlog, lane.failures, lane.is_waiting, lane.task) == (0, 0, 0, 0, False, None)


def test_lane_counts_taken_items() -> None:
    lane = _lane(1, 2, 3, 4, 5)
    assert lane.take_all_if(lambda item: item > 9) == []
    assert (len(lane), lane.taken) == (5, 0)
    assert lane.take_all_if(lambda item: item % 2 == 0) == [2, 4]
    assert (len(lane), lane.taken) == (3, 2)
    assert (lane.take(), lane.taken) == (1, 3)
    assert (lane.empty(), len(lane), lane.taken) == ([3, 5], 0, 3)
    with pytest.raises(IndexError):
        lane.take()


async def test_next_item_is_left_if_it_is_not_wanted() -> None:
    lane = _lane(1, 2)
    assert await lane.take_next_if(lambda item: item == 2, within=60) is None
    assert await lane.take_next_if(lambda item: item == 1, within=60) == 1
    assert (len(lane), lane.taken) == (1, 1)


async def test_items_that_come_while_one_is_waited_for_are_all_kept() -> None:
    lane = _lane()
    assert await lane.take_next_if(lambda _: True, within=0.001) is None
    waiting = asyncio.create_task(lane.take_next_if(lambda _: True, within=60))
    await asyncio.sleep(0)
    lane.put(1)
    lane.put(2)
    assert await asyncio.wait_for(waiting, 1) == 1
    assert lane.empty() == [2]
