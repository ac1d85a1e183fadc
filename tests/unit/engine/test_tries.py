"""Which updates are worked on, by how often the process died over them."""

import pytest

from beseda.engine.tries import ENOUGH_EVIDENCE, TryCounter, Verdict
from beseda.engine.updates.model import StoredUpdate, Tries


def _recovered(crashes: int, number: int = 1, failures: int = 0, evidence: int = ENOUGH_EVIDENCE) -> StoredUpdate:
    return StoredUpdate("assistant", number, b"{}", tries=Tries(crashes, failures, evidence))


@pytest.mark.parametrize(
    ("crashes", "failures", "evidence", "verdict"),
    [
        (0, 0, 0, Verdict.WORK),
        (2, 4, ENOUGH_EVIDENCE, Verdict.WORK),
        (3, 0, ENOUGH_EVIDENCE - 1, Verdict.WORK),
        (3, 0, ENOUGH_EVIDENCE, Verdict.SET_ASIDE),
        (0, 5, 0, Verdict.SET_ASIDE),
        (1000, 0, 0, Verdict.DROP),
    ],
)
def test_third_crash_with_evidence_or_fifth_failure_sets_aside(
    crashes: int, failures: int, evidence: int, verdict: Verdict
) -> None:
    counter = TryCounter("assistant")
    counter.enter(_recovered(crashes, failures=failures, evidence=evidence), begun=False)
    assert counter.judge([1]) is verdict


def test_try_of_this_process_is_no_crash() -> None:
    counter = TryCounter("assistant")
    counter.enter(_recovered(3), begun=True)
    assert counter.judge([1]) is Verdict.WORK


def test_crashes_among_many_are_no_evidence_against_each() -> None:
    counter = TryCounter("assistant")
    for number in range(30):
        counter.enter(_recovered(9, number, evidence=0), begun=False)
    assert {counter.judge([number]) for number in range(30)} == {Verdict.WORK}


@pytest.mark.parametrize(("crashes", "may"), [(49, True), (50, False)])
def test_stored_answer_is_sent_although_its_update_is_suspected(crashes: int, may: bool) -> None:
    counter = TryCounter("assistant")
    counter.enter(StoredUpdate("assistant", 1, b"", tries=Tries(crashes, 0, ENOUGH_EVIDENCE)), begun=False)
    assert counter.judge([1]) is Verdict.SET_ASIDE
    assert counter.may_deliver([1]) is may


def test_joined_messages_are_judged_by_the_worst() -> None:
    counter = TryCounter("assistant")
    counter.enter(_recovered(0, 1), begun=False)
    counter.enter(_recovered(3, 2), begun=False)
    assert counter.judge([1, 2]) is Verdict.SET_ASIDE
