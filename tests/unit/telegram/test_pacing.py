"""How fast a bot may talk."""

import asyncio

import pytest

from beseda.core.chat import ChatKind
from beseda.ephemeral.memory.rate_limit import MemoryTokenBucket
from beseda.telegram.pacing import Pacer
from beseda.testing.clock import ManualClock


def _sent(pacer: Pacer, clock: ManualClock, kind: ChatKind, seconds: int) -> int:
    count = 0
    for _ in range(seconds * 10):
        while pacer.delay(1, kind) <= 0:
            pacer.count(1, kind)
            count += 1
        clock.shift(0.1)
    return count


def test_private_chat_gets_a_burst_then_one_a_second() -> None:
    clock = ManualClock()
    assert 60 <= _sent(Pacer(clock), clock, ChatKind.PRIVATE, 60) <= 63


def test_group_gets_twenty_a_minute() -> None:
    clock = ManualClock()
    assert 20 <= _sent(Pacer(clock), clock, ChatKind.SUPERGROUP, 60) <= 23


def test_chats_do_not_share_a_pace() -> None:
    pacer = Pacer(ManualClock())
    for _ in range(10):
        pacer.count(1, ChatKind.PRIVATE)
    assert pacer.delay(1, ChatKind.PRIVATE) > 0
    assert pacer.delay(2, ChatKind.PRIVATE) == 0


def test_retry_after_is_obeyed_even_when_pacing_is_off() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, enabled=False)
    pacer.close(1, 30)
    assert pacer.delay(1, ChatKind.PRIVATE) == 30
    clock.shift(30)
    assert pacer.delay(1, ChatKind.PRIVATE) == 0


def test_pacing_off_allows_everything_else() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, enabled=False)
    for _ in range(100):
        pacer.count(1, ChatKind.PRIVATE)
    assert pacer.delay(1, ChatKind.PRIVATE) == 0


def test_flood_wait_slows_everything_down_for_a_while() -> None:
    clock = ManualClock()
    pacer = Pacer(clock)
    pacer.close(1, 5)
    assert pacer.pace == pytest.approx(0.8)
    pacer.close(2, 5)
    assert pacer.pace == pytest.approx(0.64)
    assert 36 <= _sent(pacer, clock, ChatKind.PRIVATE, 60) <= 42
    clock.shift(300 - 60)
    assert pacer.pace == pytest.approx(0.74)
    clock.shift(900)
    assert pacer.pace == 1.0


def test_pace_never_falls_to_nothing() -> None:
    pacer = Pacer(ManualClock())
    for _ in range(50):
        pacer.close(1, 1)
    assert pacer.pace == pytest.approx(0.2)


async def test_bot_makes_thirty_calls_a_second_to_all_chats_together() -> None:
    clock = ManualClock(instant=True)
    tokens = MemoryTokenBucket(clock)
    replicas = [Pacer(clock, bot=1, tokens=tokens) for _ in range(2)]
    started = clock.monotonic()
    for number in range(330):
        await replicas[number % 2].wait_for_bot()
    assert clock.monotonic() - started == pytest.approx(10, abs=0.5)


async def test_progress_gives_way_when_the_bot_is_busy() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, bot=1, tokens=MemoryTokenBucket(clock))
    shown = [await pacer.has_room() for _ in range(40)]
    assert shown == [True] * 30 + [False] * 10


async def test_bot_that_is_busy_asks_for_several_tokens_together() -> None:
    clock = ManualClock(instant=True)
    tokens = Counted(clock)
    pacer = Pacer(clock, bot=1, tokens=tokens)
    for _ in range(26):
        await pacer.wait_for_bot()
    assert tokens.asked == 6


async def test_pace_of_the_bot_is_not_counted_when_pacing_is_off() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, enabled=False, bot=1, tokens=MemoryTokenBucket(clock))
    assert all([await pacer.has_room() for _ in range(100)])


async def test_a_thousand_waiters_are_served_in_order_and_one_of_them_asks() -> None:
    clock = ManualClock()
    tokens = Counted(clock)
    tokens.block = 1
    pacer = Pacer(clock, bot=1, tokens=tokens)
    served: list[int] = []

    async def say(number: int) -> None:
        await pacer.wait_for_bot()
        served.append(number)

    waiting = [asyncio.create_task(say(number)) for number in range(1000)]
    for _ in range(40):
        await clock.advance(0.1)
        assert clock.sleepers <= 1
    assert 145 <= len(served) <= 155
    assert served == list(range(len(served)))
    assert tokens.asked <= 2 * len(served)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_waiter_that_gives_up_does_not_hold_up_the_next() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, bot=1, tokens=MemoryTokenBucket(clock))
    for _ in range(30):
        await pacer.wait_for_bot()
    first, second = (asyncio.create_task(pacer.wait_for_bot()) for _ in range(2))
    await clock.wait_for_sleepers()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await clock.advance(0.1)
    assert second.done()


async def test_progress_waits_behind_messages_and_does_not_ask_an_empty_bucket() -> None:
    clock = ManualClock()
    tokens = Counted(clock)
    pacer = Pacer(clock, bot=1, tokens=tokens)
    while await pacer.has_room():
        pass
    asked = tokens.asked
    waiting = asyncio.create_task(pacer.wait_for_bot())
    await clock.wait_for_sleepers()
    assert not any([await pacer.has_room() for _ in range(100)])
    assert tokens.asked == asked
    await clock.advance(0.1)
    await waiting


class Counted(MemoryTokenBucket):
    """Tokens that are far away."""

    block = 5
    asked = 0

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        self.asked += 1
        return await super().take(key, wanted, rate=rate, burst=burst)


async def test_concurrent_flood_waits_of_several_chats_close_the_bot() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, tokens=MemoryTokenBucket(clock))
    for chat_id, seconds in ((1, 20.0), (2, 10.0)):
        pacer.close(chat_id, seconds)
        clock.shift(1)
    assert await pacer.has_room()
    pacer.close(3, 30.0)
    assert not await pacer.has_room()
    assert pacer.delay(4, ChatKind.PRIVATE) == 0
    clock.shift(8.9)
    assert not await pacer.has_room()
    clock.shift(0.2)
    assert await pacer.has_room()


async def test_flood_waits_of_a_few_chats_now_and_then_close_no_other_chat() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, tokens=MemoryTokenBucket(clock))
    for _ in range(5):
        pacer.close(1, 60.0)
    for chat_id in range(2, 6):
        clock.shift(3)
        pacer.close(chat_id, 60.0)
    assert await pacer.has_room()


def _delays(pacer: Pacer, kind: ChatKind, calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        pacer.count(1, kind)
        found.append(pacer.delay(1, kind))
    return found


def test_burst_is_of_three_calls_and_then_each_waits_for_the_one_before() -> None:
    clock = ManualClock()
    assert _delays(Pacer(clock), ChatKind.PRIVATE, 5) == [0.0, 0.0, 1.0, 2.0, 3.0]
    assert _delays(Pacer(clock), ChatKind.GROUP, 4) == [0.0, 0.0, 3.0, 6.0]
    clock.shift(1000)
    assert Pacer(clock).delay(1, ChatKind.PRIVATE) == 0.0
    assert _delays(Pacer(clock), ChatKind.CHANNEL, 4) == [0.0, 0.0, 3.0, 6.0]


def test_pace_of_twenty_thousand_chats_is_kept() -> None:
    pacer = Pacer(ManualClock())
    for chat_id in (1, 1, 1, *range(2, 20_001), 1):
        pacer.count(chat_id, ChatKind.PRIVATE)
    pacer.count(20_001, ChatKind.PRIVATE)
    assert pacer.delay(1, ChatKind.PRIVATE) == 2.0
    for chat_id in range(20_002, 40_000):
        pacer.count(chat_id, ChatKind.PRIVATE)
    assert pacer.delay(1, ChatKind.PRIVATE) == 2.0
    pacer.count(40_000, ChatKind.PRIVATE)
    assert pacer.delay(1, ChatKind.PRIVATE) == 0.0


def test_flood_wait_is_the_chat_s_own_until_it_is_over() -> None:
    clock = ManualClock()
    pacer = Pacer(clock)
    pacer.close(1, 5)
    assert [pacer.delay(1, ChatKind.PRIVATE), pacer.delay(1, ChatKind.PRIVATE)] == [5.0, 5.0]
    assert pacer.delay(2, ChatKind.PRIVATE) == 0.0
    clock.shift(4.5)
    assert pacer.delay(1, ChatKind.PRIVATE) == 0.5


def test_pace_rises_by_a_tenth_every_five_minutes() -> None:
    clock = ManualClock()
    pacer = Pacer(clock)
    assert pacer.pace == 1.0
    clock.shift(50)
    for _ in range(4):
        pacer.close(1, 0)
    found = []
    for seconds in (0, 299, 1, 299, 1, 300, 300, 300, 300, 300):
        clock.shift(seconds)
        found.append(round(pacer.pace, 4))
    assert found == [0.4096, 0.4096, 0.5096, 0.5096, 0.6096, 0.7096, 0.8096, 0.9096, 1.0, 1.0]
    pacer.close(1, 0)
    assert pacer.pace == 0.8


def test_slower_pace_stretches_the_waits_of_a_chat() -> None:
    pacer = Pacer(ManualClock())
    pacer.close(2, 0)
    assert _delays(pacer, ChatKind.PRIVATE, 4) == [0.0, 0.0, 1.25, 2.5]


class Recorded:
    """Tokens that are far away: what was asked of them, and the answers to come; then all that is wanted."""

    block = 5

    def __init__(self, *answers: tuple[int, float]) -> None:
        self.wanted: list[int] = []
        self.keys: set[str] = set()
        self.rates: list[tuple[float, float]] = []
        self._answers = list(answers)

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        self.wanted.append(wanted)
        self.keys.add(key)
        self.rates.append((rate, burst))
        return self._answers.pop(0) if self._answers else (wanted, 0.0)


async def test_tokens_are_taken_for_this_bot_at_its_pace() -> None:
    clock, tokens = ManualClock(), Recorded()
    pacer = Pacer(clock, bot=12, tokens=tokens)
    assert await pacer.has_room()
    pacer.close(1, 0)
    clock.shift(1)
    assert await pacer.has_room()
    clock.shift(1)
    assert await Pacer(clock, tokens=tokens).has_room()
    assert (tokens.keys, tokens.rates) == ({"bot:12", "bot:0"}, [(30.0, 30.0), (24.0, 24.0), (30.0, 30.0)])


async def test_tokens_taken_ahead_are_good_for_half_a_second() -> None:
    clock, tokens = ManualClock(), Recorded()
    pacer = Pacer(clock, bot=1, tokens=tokens)
    for seconds in (0.0, 0.25, 0.0, 0.0, 0.0, 0.25, 0.0):
        clock.shift(seconds)
        assert await pacer.has_room()
    assert tokens.wanted == [1, 5, 5]  # the fourth ahead is gone by the fifth call; the block is of five
    clock.shift(0.5)
    assert await pacer.has_room()
    assert tokens.wanted == [1, 5, 5, 1]


async def test_wait_for_an_empty_bucket_is_that_of_the_bucket_and_at_least_a_hundredth() -> None:
    clock = ManualClock(instant=True)
    tokens = Recorded((0, 0.5), (0, 0.0), (0, 0.0))
    await Pacer(clock, bot=1, tokens=tokens).wait_for_bot()
    assert (clock.slept, tokens.wanted) == ([0.5, 0.01, 0.01], [1, 1, 5, 5])


async def test_bucket_with_a_known_time_of_its_next_token_is_asked_then_and_not_before() -> None:
    clock, tokens = ManualClock(), Recorded((0, 0.5))
    pacer = Pacer(clock, bot=1, tokens=tokens)
    assert not await pacer.has_room()
    clock.shift(0.25)
    assert not await pacer.has_room()
    assert tokens.wanted == [1]
    clock.shift(0.25)
    assert await pacer.has_room()
    assert tokens.wanted == [1, 1]


async def test_without_tokens_the_bot_waits_for_nothing() -> None:
    clock = ManualClock(instant=True)
    pacer = Pacer(clock, bot=1)
    for _ in range(100):
        await pacer.wait_for_bot()
        assert await pacer.has_room()
    assert clock.slept == []


@pytest.mark.parametrize(("seconds", "is_open"), [(5.0, False), (5.125, True)])
async def test_three_chats_within_five_seconds_close_the_bot(seconds: float, is_open: bool) -> None:
    clock = ManualClock()
    clock.shift(100)
    pacer = Pacer(clock, bot=1, tokens=MemoryTokenBucket(clock))
    pacer.close(1, 60.0)
    pacer.close(2, 60.0)
    assert await pacer.has_room()
    clock.shift(seconds)
    pacer.close(3, 60.0)
    assert await pacer.has_room() is is_open


async def test_closed_bot_waits_for_the_shortest_of_the_waits_and_never_for_less() -> None:
    clock = ManualClock(instant=True)
    clock.shift(100)
    pacer = Pacer(clock, bot=1, tokens=MemoryTokenBucket(clock))
    for chat_id, seconds in ((1, 20.0), (2, 10.0), (3, 30.0), (4, 1.0)):
        pacer.close(chat_id, seconds)
    await pacer.wait_for_bot()
    assert clock.slept == [10.0]
