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


@pytest.mark.parametrize(("seconds", "is_open"), [(60.0, True), (60.5, False)])
def test_ten_failures_within_a_minute_open_it_for_fifteen_seconds(
    clock: ManualClock, seconds: float, is_open: bool
) -> None:
    breaker = Breaker(clock)
    fail(breaker, 9)
    clock.shift(seconds)
    assert breaker.try_pass()
    fail(breaker, 1)

    assert breaker.try_pass() is not is_open
    assert breaker.wait == (15.0 if is_open else 0.0)


def test_wait_counts_down_to_nothing(breaker: Breaker, clock: ManualClock) -> None:
    assert breaker.wait == 0.0
    fail(breaker, 3)
    waits = []
    for _ in range(3):
        clock.shift(29.5)
        waits.append(breaker.wait)

    assert waits == [0.5, 0.0, 0.0]


def test_breaker_with_a_retry_time_opens_for_that_long(breaker: Breaker, clock: ManualClock) -> None:
    breaker.open_for(100)
    clock.shift(99.5)
    assert (breaker.state, breaker.try_pass()) == (BreakerState.OPEN, False)
    clock.shift(0.5)

    assert (breaker.state, breaker.try_pass(), breaker.try_pass()) == (BreakerState.HALF_OPEN, True, False)
