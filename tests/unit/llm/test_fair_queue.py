import asyncio

from hypothesis import given
from hypothesis import strategies as st

from beseda.llm.fair_queue import FairQueue, Ticket


def test_free_slot_is_taken_immediately() -> None:
    line = FairQueue(2)

    assert [line.join().ahead for _ in range(4)] == [0, 0, 1, 2]
    assert len(line) == 2


def test_leaving_moves_the_next_one_up() -> None:
    line = FairQueue(1)
    first, second, third = (line.join() for _ in range(3))
    first.leave()

    assert (second.ahead, third.ahead) == (0, 1)


def test_leaving_twice_frees_one_slot_only() -> None:
    line = FairQueue(1)
    first, second, third = (line.join() for _ in range(3))
    first.leave()
    first.leave()

    assert (second.ahead, third.ahead) == (0, 1)


async def test_waiting_caller_is_notified_of_each_move() -> None:
    line = FairQueue(1)
    first, second, third = (line.join() for _ in range(3))
    heard = asyncio.create_task(third.wait_for_move())
    second.leave()
    await heard
    moved = third.ahead
    first.leave()
    await third.wait_for_move()

    assert (moved, third.ahead) == (1, 0)


@given(st.integers(1, 3), st.lists(st.integers(0, 5), max_size=30))
def test_slots_are_never_exceeded_and_never_idle(slots: int, steps: list[int]) -> None:
    line = FairQueue(slots)
    places: list[Ticket] = []
    for step in steps:
        if step < 3 or not places:
            places.append(line.join())
        else:
            places.pop(step % len(places)).leave()
        served = [place for place in places if not place.ahead]

        assert len(served) == min(slots, len(places))
        assert served == places[: len(served)]
        assert sorted(place.ahead for place in places if place.ahead) == list(range(1, len(places) - len(served) + 1))
