import pytest

from botapi_sandbox.flood import FloodControl, FloodLimits
from botapi_sandbox.refusals import ApiRefusalError

GROUP = -100


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def control(hand: Hand) -> FloodControl:
    flood = FloodControl(hand)
    flood.configure(enabled=True, limits=FloodLimits())
    return flood


def refused(control: FloodControl, chat: int, *, weight: int = 1) -> int | None:
    try:
        control.check("bot", chat, weight=weight)
    except ApiRefusalError as refusal:
        assert refusal.parameters is not None
        return int(refusal.parameters["retry_after"])
    return None


def test_switched_off_it_allows_everything(hand: Hand) -> None:
    assert [refused(FloodControl(hand), 1) for _ in range(100)] == [None] * 100


def test_burst_in_a_chat_then_one_a_second(control: FloodControl, hand: Hand) -> None:
    assert [refused(control, 1) for _ in range(4)] == [None, None, None, 3]
    hand.now = 2.9
    assert refused(control, 1) == 1
    hand.now = 3.1
    assert refused(control, 1) is None


def test_group_has_twenty_a_minute(control: FloodControl, hand: Hand) -> None:
    for number in range(20):
        hand.now = number * 1.01
        assert refused(control, GROUP) is None
    hand.now = 30.0
    assert refused(control, GROUP) == 30
    assert refused(control, 1) is None


def test_bot_has_thirty_a_second_over_all_chats(control: FloodControl, hand: Hand) -> None:
    assert [refused(control, chat) for chat in range(1, 32)] == [None] * 30 + [1]
    hand.now = 1.0
    assert refused(control, 40) is None


def test_album_counts_by_its_messages(control: FloodControl) -> None:
    assert refused(control, 1, weight=10) is None
    assert refused(control, 1) == 3
