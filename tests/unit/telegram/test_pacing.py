"""How fast a bot may talk."""

from beseda.domain.conversation import ChatKind
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
