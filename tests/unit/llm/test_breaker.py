import pytest

from beseda.llm.breaker import Breaker, BreakerRule, BreakerState
from beseda.testing.clock import ManualClock

RULE = BreakerRule(failures=3, window=10.0, pause=30.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    return Breaker(clock, RULE)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.record_failure()


def test_few_failures_keep_it_closed(breaker: Breaker) -> None:
    fail(breaker, 2)

    assert breaker.try_pass()
    assert breaker.state is BreakerState.CLOSED


def test_failures_in_the_window_open_it(breaker: Breaker) -> None:
    fail(breaker, 3)

    assert not breaker.try_pass()
    assert breaker.wait == 30


def test_old_failures_are_forgotten(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 2)
    clock.shift(11)
    fail(breaker, 1)

    assert breaker.try_pass()


def test_success_forgets_failures(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.record_success()
    fail(breaker, 2)

    assert breaker.try_pass()


def test_one_probe_passes_after_the_pause(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.shift(30)

    assert breaker.state is BreakerState.HALF_OPEN
    assert [breaker.try_pass(), breaker.try_pass()] == [True, False]


def test_good_probe_closes_it(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.shift(30)
    breaker.try_pass()
    breaker.record_success()

    assert [breaker.try_pass(), breaker.try_pass()] == [True, True]


def test_bad_probe_opens_it_again(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.shift(30)
    breaker.try_pass()
    breaker.record_failure()

    assert not breaker.try_pass()
    assert breaker.wait == 30


def test_left_probe_may_be_taken_again(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.shift(30)
    breaker.try_pass()
    breaker.release()

    assert breaker.try_pass()
