"""Which updates are worked on, by how often the process died over them."""

import pytest

from beseda.dispatch.tries import TryCounter, Verdict
from beseda.domain.update import StoredUpdate, Tries


def _recovered(crashes: int, number: int = 1, failures: int = 0) -> StoredUpdate:
    return StoredUpdate("assistant", number, b"{}", tries=Tries(crashes, failures))


@pytest.mark.parametrize(
    ("crashes", "failures", "verdict"),
    [
        (0, 0, Verdict.WORK),
        (2, 4, Verdict.WORK),
        (3, 0, Verdict.SET_ASIDE),
        (0, 5, Verdict.SET_ASIDE),
        (1000, 0, Verdict.DROP),
    ],
)
def test_third_crash_or_fifth_failure_sets_aside(crashes: int, failures: int, verdict: Verdict) -> None:
    counter = TryCounter("assistant")
    counter.enter(_recovered(crashes, failures=failures), begun=False)
    assert counter.judge([1]) is verdict


def test_try_of_this_process_is_no_crash() -> None:
    counter = TryCounter("assistant")
    counter.enter(_recovered(3), begun=True)
    assert counter.judge([1]) is Verdict.WORK


@pytest.mark.parametrize(("crashes", "verdict"), [(3, Verdict.WORK), (9, Verdict.WORK), (10, Verdict.SET_ASIDE)])
def test_crash_among_many_is_not_blamed_on_each(crashes: int, verdict: Verdict) -> None:
    counter = TryCounter("assistant")
    for number in range(1, 22):
        counter.enter(_recovered(crashes, number), begun=False)
    assert counter.judge([1]) is verdict


def test_last_of_a_crowd_is_blamed_no_more_than_the_first() -> None:
    counter = TryCounter("assistant")
    for number in range(30):
        counter.enter(StoredUpdate("assistant", number, b"", tries=Tries(begun=4)), begun=False)
    assert counter.judge([0]) is Verdict.WORK
    counter.leave(range(29))
    assert counter.judge([29]) is Verdict.WORK


@pytest.mark.parametrize(("crashes", "may"), [(49, True), (50, False)])
def test_stored_answer_is_sent_although_its_update_is_suspected(crashes: int, may: bool) -> None:
    counter = TryCounter("assistant")
    counter.enter(StoredUpdate("assistant", 1, b"", tries=Tries(begun=crashes)), begun=False)
    assert counter.judge([1]) is Verdict.SET_ASIDE
    assert counter.may_deliver([1]) is may


def test_joined_messages_are_judged_by_the_worst() -> None:
    counter = TryCounter("assistant")
    counter.enter(_recovered(0, 1), begun=False)
    counter.enter(_recovered(3, 2), begun=False)
    assert counter.judge([1, 2]) is Verdict.SET_ASIDE
