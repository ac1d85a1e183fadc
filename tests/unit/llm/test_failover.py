import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from beseda.core.backoff import Backoff
from beseda.core.errors import (
    BesedaError,
    BrokenStreamError,
    ContextTooLongError,
    CreditExhaustedError,
    EmptyAnswerError,
    KeyRejectedError,
    LoadingError,
    ModelNotFoundError,
    QuotaExceededError,
    RefusedAnswerError,
    RejectedRequestError,
    RepeatingAnswerError,
    ThoughtsOnlyError,
    TimedOutError,
    UnansweredError,
    UnavailableError,
)
from beseda.llm.base import ModelEvent, ModelHealth, ModelRequest, ReasoningDelta, Waiting
from beseda.llm.breaker import BreakerRule
from beseda.llm.failover import FailoverModel, RetryPolicy
from beseda.llm.guard import AnswerGuard
from beseda.locales.errors import explain
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.measured_model import Counting, Measured
from tests.parts.model_events import Heard, ask, listen

POLICY = RetryPolicy(
    attempts=3, longest_wait=8.0, backoff=Backoff(first=1.0, jitter=0.0), breaker=BreakerRule(5, 60, 30)
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(instant=True)


@pytest.fixture
def first() -> ScriptedModel:
    return ScriptedModel(name="first:a", fallback="from the first")


@pytest.fixture
def second() -> ScriptedModel:
    return ScriptedModel(name="second:b", fallback="from the second")


@pytest.fixture
def model(first: ScriptedModel, second: ScriptedModel, clock: ManualClock) -> FailoverModel:
    return FailoverModel([first, second], clock, POLICY)


async def test_first_answers_when_it_can(model: FailoverModel, second: ScriptedModel) -> None:
    heard = await listen(model)

    assert (heard.text, heard.end.endpoint) == ("from the first", "first")
    assert not second.requests
    assert model.name == "first:a,second:b"


async def test_passing_failure_is_tried_again(model: FailoverModel, first: ScriptedModel, clock: ManualClock) -> None:
    first.add(UnavailableError("down"), UnavailableError("down"))

    assert (await listen(model)).text == "from the first"
    assert clock.slept == [1.0, 2.0]


async def test_lasting_failure_goes_to_the_next(model: FailoverModel, first: ScriptedModel) -> None:
    first.add(*[UnavailableError("down")] * 3)

    assert (await listen(model)).text == "from the second"
    assert len(first.requests) == 3


@pytest.mark.parametrize("kind", [KeyRejectedError, CreditExhaustedError, ModelNotFoundError, RejectedRequestError])
async def test_hopeless_refusal_goes_to_the_next_immediately(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock, kind: type[BesedaError]
) -> None:
    first.add(kind("no"))

    assert (await listen(model)).text == "from the second"
    assert clock.slept == []


DEAR = [TimedOutError, UnansweredError, ThoughtsOnlyError]


@pytest.mark.parametrize("kind", DEAR)
async def test_try_that_cost_much_goes_to_the_next_immediately(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock, kind: type[BesedaError]
) -> None:
    first.add(kind("slow"))

    assert (await listen(model)).text == "from the second"
    assert (len(first.requests), clock.slept) == (1, [])


@pytest.mark.parametrize("kind", DEAR)
async def test_expensive_try_is_repeated_once_without_another_model(
    first: ScriptedModel, clock: ManualClock, kind: type[BesedaError]
) -> None:
    first.add(kind("slow"), kind("slow"), kind("slow"))
    with pytest.raises(kind):
        await listen(FailoverModel([first], clock, POLICY))

    assert len(first.requests) == 2


@pytest.mark.parametrize("kind", [ContextTooLongError, RefusedAnswerError])
async def test_fault_of_the_text_goes_up(
    model: FailoverModel, first: ScriptedModel, second: ScriptedModel, kind: type[BesedaError]
) -> None:
    first.add(kind("no"))
    with pytest.raises(kind):
        await listen(model)

    assert not second.requests


async def test_wait_that_the_service_asks_for_is_kept(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock
) -> None:
    first.add(QuotaExceededError("busy", retry_after=5.0))

    assert (await listen(model)).text == "from the first"
    assert clock.slept == [5.0]


async def test_wait_that_is_too_long_goes_to_the_next(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock
) -> None:
    first.add(QuotaExceededError("busy", retry_after=60.0))

    assert (await listen(model)).text == "from the second"
    assert clock.slept == []


async def test_service_is_left_alone_as_long_as_it_asked(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock
) -> None:
    first.add(QuotaExceededError("busy", retry_after=60.0))
    await listen(model)
    clock.shift(59)
    before = (await listen(model)).text
    clock.shift(1)

    assert (before, (await listen(model)).text) == ("from the second", "from the first")


async def test_break_after_the_first_word_goes_up(model: FailoverModel, first: ScriptedModel) -> None:
    first.add(ScriptedAnswer(pieces=("Half a ",), error=UnavailableError("down")))
    heard = Heard()
    with pytest.raises(BrokenStreamError):
        await listen(model, heard=heard)

    assert heard.text == "Half a "


async def test_repeating_stays_repeating(model: FailoverModel, first: ScriptedModel) -> None:
    first.add(ScriptedAnswer(pieces=("again",), error=RepeatingAnswerError("x")))
    with pytest.raises(RepeatingAnswerError):
        await listen(model)


async def test_reasoning_is_no_word(model: FailoverModel, first: ScriptedModel) -> None:
    first.add(ScriptedAnswer(reasoning="Hmm", error=KeyRejectedError("no")))
    heard = await listen(model)

    assert heard.text == "from the second"
    assert ReasoningDelta("Hmm") in heard.events


async def test_call_without_an_answer(model: FailoverModel, first: ScriptedModel, second: ScriptedModel) -> None:
    first.fallback = KeyRejectedError("first")
    second.fallback = CreditExhaustedError("second")
    with pytest.raises(CreditExhaustedError):
        await listen(model)


async def test_broken_model_is_left_alone_and_gives_the_cause(clock: ManualClock, first: ScriptedModel) -> None:
    first.fallback = KeyRejectedError("bad key")
    model = FailoverModel([first], clock, POLICY)
    for _ in range(6):
        with pytest.raises(KeyRejectedError, match="bad key"):
            await listen(model)

    assert len(first.requests) == 5


async def test_left_model_is_probed_after_the_pause(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock
) -> None:
    first.add(*[KeyRejectedError("no")] * 5)
    for _ in range(5):
        await listen(model)
    clock.shift(30)

    assert (await listen(model)).text == "from the first"


async def test_empty_answers_do_not_open_the_breaker(clock: ManualClock, first: ScriptedModel) -> None:
    model = FailoverModel([first], clock, POLICY)
    for _ in range(4):
        first.add(EmptyAnswerError("x"), EmptyAnswerError("x"))
        assert (await listen(model)).text == "from the first"


async def test_leaving_closes_the_model_below(model: FailoverModel, first: ScriptedModel) -> None:
    first.add(ScriptedAnswer(pieces=("a", "b", "c")))
    async with aclosing(model.stream(ask())) as events:
        await anext(events)

    assert (first.left, first.running) == (1, 0)


async def test_cancelling_during_a_wait_ends_it(first: ScriptedModel) -> None:
    clock = ManualClock()
    first.add(UnavailableError("down"))
    task = asyncio.create_task(listen(FailoverModel([first], clock, POLICY)))
    await clock.wait_for_sleepers()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_check_is_good_when_one_is(model: FailoverModel, first: ScriptedModel) -> None:
    first.health = ModelHealth(ok=False, detail="down")
    health = await model.check()

    assert health.ok
    assert "down" in health.detail


async def test_close_closes_all(model: FailoverModel, first: ScriptedModel, second: ScriptedModel) -> None:
    await model.close()

    assert first.closed
    assert second.closed


async def test_waiting_is_passed_on_and_is_no_word(clock: ManualClock) -> None:
    busy = _Busy(name="busy:a", fallback=UnavailableError("gone"))
    second = ScriptedModel(name="second:b", fallback="hello")
    heard = await listen(FailoverModel([busy, second], clock, POLICY, observers=[AnswerGuard]))

    assert heard.events[0] == Waiting(2)
    assert heard.end.endpoint == "second"


async def test_first_word_of_a_probe_lets_the_others_in(clock: ManualClock) -> None:
    model = ScriptedModel(name="first:a", fallback=UnavailableError("down"))
    lone = FailoverModel([model], clock, RetryPolicy(attempts=1, breaker=BreakerRule(1, 60, 30)))
    with pytest.raises(UnavailableError):
        await listen(lone)
    clock.shift(31)
    model.fallback = ScriptedAnswer(pieces=("a", "b"))
    async with aclosing(lone.stream(ask())) as probe:
        await anext(probe)
        assert (await listen(lone)).text == "ab"


class _Busy(ScriptedModel):
    """Others are served first."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield Waiting(2)
        async with aclosing(super().stream(request)) as events:
            async for event in events:
                yield event


async def test_a_model_that_is_loading_is_waited_for(clock: ManualClock) -> None:
    model = ScriptedModel([*[LoadingError("HTTP 503: Loading model")] * 90, "Ready"])
    heard = await listen(FailoverModel([model], clock, POLICY))
    assert heard.text == "Ready"
    assert heard.events.count(Waiting(0)) == 90


async def test_a_model_that_loads_for_ever_is_reported_as_such(clock: ManualClock) -> None:
    model = ScriptedModel([], fallback=LoadingError("HTTP 503: Loading model"))
    with pytest.raises(LoadingError) as told:
        await listen(FailoverModel([model], clock, POLICY))
    assert "ещё загружается" in explain(told.value, "ru")


async def test_the_next_model_answers_while_the_first_is_loading(clock: ManualClock) -> None:
    first = ScriptedModel([LoadingError("loading")] * 9)
    heard = await listen(FailoverModel([first, ScriptedModel(["Here I am"])], clock, POLICY))
    assert (heard.text, heard.events.count(Waiting(0))) == ("Here I am", 0)


async def fail(model: FailoverModel, first: ScriptedModel, times: int) -> None:
    """Have the first model fail in a way that counts towards its breaker, once for each of so many answers."""
    for _ in range(times):
        first.add(KeyRejectedError("bad key"))
        await listen(model)


def test_failover_of_no_models_is_refused(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="at least one model"):
        FailoverModel([], clock)


def usual(first: ScriptedModel, clock: ManualClock, *others: ScriptedModel) -> FailoverModel:
    return FailoverModel([first, *others], clock, RetryPolicy(backoff=Backoff(first=1.0, jitter=0.0)))


async def test_usual_policy_asks_three_times(first: ScriptedModel, clock: ManualClock) -> None:
    first.fallback = UnavailableError("down")
    with pytest.raises(UnavailableError):
        await listen(usual(first, clock))

    assert (len(first.requests), clock.slept) == (3, [1.0, 2.0])


@pytest.mark.parametrize(("wait", "answer"), [(8.0, "from the first"), (8.1, "from the second")])
async def test_usual_policy_waits_eight_seconds_at_most(
    first: ScriptedModel, second: ScriptedModel, clock: ManualClock, wait: float, answer: str
) -> None:
    first.add(UnavailableError("busy", retry_after=wait))

    assert (await listen(usual(first, clock, second))).text == answer
    assert clock.slept == ([8.0] if wait == 8.0 else [])


async def test_usual_policy_waits_four_minutes_for_a_model_that_loads(first: ScriptedModel, clock: ManualClock) -> None:
    first.fallback = LoadingError("loading")
    heard = Heard()
    with pytest.raises(LoadingError):
        await listen(usual(first, clock), heard=heard)

    assert heard.events == [Waiting(0)] * 240
    assert clock.slept[:240] == [1.0] * 240


@pytest.mark.parametrize(("wait", "asked"), [(8.0, 4), (8.1, 1)])
async def test_short_wait_of_a_service_binds_one_call_and_a_long_one_all_calls(
    model: FailoverModel, first: ScriptedModel, wait: float, asked: int
) -> None:
    first.fallback = QuotaExceededError("busy", retry_after=wait)
    await listen(model)
    first.fallback = "from the first"

    assert (await listen(model)).text == ("from the first" if wait == 8.0 else "from the second")
    assert len(first.requests) == asked


async def test_quota_without_a_time_does_not_open_the_breaker(model: FailoverModel, first: ScriptedModel) -> None:
    first.add(*[QuotaExceededError("busy")] * 9)
    for _ in range(3):
        assert (await listen(model)).text == "from the second"

    assert (await listen(model)).text == "from the first"


async def test_long_wait_is_kept_to_the_second_and_reported(clock: ManualClock, first: ScriptedModel) -> None:
    first.add(QuotaExceededError("over quota", retry_after=60.0))
    lone = FailoverModel([first], clock, POLICY)
    with pytest.raises(QuotaExceededError):
        await listen(lone)
    clock.shift(20)
    with pytest.raises(QuotaExceededError, match="first:a is left alone for a while: over quota") as caught:
        await listen(lone)

    assert caught.value.retry_after == 40.0
    assert len(first.requests) == 1


@pytest.mark.parametrize("error", [EmptyAnswerError("x"), QuotaExceededError("x", retry_after=2.0)])
async def test_probe_with_an_end_unrelated_to_the_service_leaves_room_for_the_next(
    model: FailoverModel, first: ScriptedModel, clock: ManualClock, error: BesedaError
) -> None:
    await fail(model, first, 5)
    clock.shift(30)
    first.add(error, "from the probe")

    assert (await listen(model)).text == "from the probe"
    assert (await listen(model)).text == "from the first"


async def test_waiting_in_line_is_no_sign_that_the_service_works(clock: ManualClock, second: ScriptedModel) -> None:
    busy = _Busy(name="busy:a", fallback=KeyRejectedError("no"))
    model = FailoverModel([busy, second], clock, POLICY)
    for _ in range(5):
        await listen(model)
    clock.shift(30)
    await listen(model)
    await listen(model)

    assert len(busy.requests) == 6


@pytest.mark.parametrize(("script", "events", "asked"), [([], 1, 5), (["Hello"], 2, 10)])
async def test_answer_that_is_left_after_its_first_word_is_a_success(
    clock: ManualClock, second: ScriptedModel, script: list[str], events: int, asked: int
) -> None:
    busy = _Busy(name="busy:a")
    model = FailoverModel([busy, second], clock, POLICY)
    await fail(model, busy, 4)
    busy.add(*script)
    async with aclosing(model.stream(ask())) as answer:
        for _ in range(events):
            await anext(answer)
    busy.fallback = KeyRejectedError("no")
    for _ in range(7):
        await listen(model)

    # Failures before a success do not count: then it takes five more, else one.
    assert len(busy.requests) == asked


async def test_probe_that_is_left_before_its_first_word_leaves_room_for_the_next(
    clock: ManualClock, second: ScriptedModel
) -> None:
    busy = _Busy(name="busy:a")
    model = FailoverModel([busy, second], clock, POLICY)
    await fail(model, busy, 5)
    clock.shift(30)
    busy.add("Hello again")
    async with aclosing(model.stream(ask())) as probe:
        assert await anext(probe) == Waiting(2)

    assert (await listen(model)).text == "Hello again"


async def test_success_forgets_earlier_failures(model: FailoverModel, first: ScriptedModel) -> None:
    for _ in range(3):
        await fail(model, first, 4)
        assert (await listen(model)).text == "from the first"


async def test_broken_answer_counts_as_one_failure(model: FailoverModel, first: ScriptedModel) -> None:
    await fail(model, first, 3)
    first.add(ScriptedAnswer(pieces=("Half a ",), error=UnavailableError("down", retry_after=3.0)))
    with pytest.raises(BrokenStreamError, match="down") as caught:
        await listen(model)
    assert caught.value.retry_after == 3.0
    assert isinstance(caught.value.__cause__, UnavailableError)
    first.add("from the first")
    assert (await listen(model)).text == "from the first"


async def test_fifth_broken_answer_opens_the_breaker(model: FailoverModel, first: ScriptedModel) -> None:
    first.fallback = ScriptedAnswer(pieces=("Half a ",), error=UnavailableError("down"))
    for _ in range(5):
        with pytest.raises(BrokenStreamError):
            await listen(model)

    assert (await listen(model)).text == "from the second"


@pytest.mark.parametrize("kind", [BrokenStreamError, RefusedAnswerError, RepeatingAnswerError])
async def test_error_that_ends_a_begun_answer_keeps_its_class(
    model: FailoverModel, first: ScriptedModel, kind: type[BesedaError]
) -> None:
    error = kind("x")
    first.add(ScriptedAnswer(pieces=("again",), error=error))
    with pytest.raises(kind) as caught:
        await listen(model)

    assert caught.value is error


async def test_only_attempt_at_a_lone_model_is_not_repeated(first: ScriptedModel, clock: ManualClock) -> None:
    first.fallback = TimedOutError("slow")
    with pytest.raises(TimedOutError):
        await listen(FailoverModel([first], clock, RetryPolicy(attempts=1)))

    assert len(first.requests) == 1


async def test_failures_are_logged(
    model: FailoverModel, first: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "beseda.llm.failover")
    first.add(UnavailableError("down"), KeyRejectedError("bad key"))
    await listen(model)

    assert [record.getMessage() for record in caplog.records] == [
        "down; again in 1.0 s",
        "first:a does not answer: bad key",
    ]


@pytest.mark.parametrize("loading", [True, False])
async def test_check_of_models_that_all_fail_reports_a_loading_one(
    model: FailoverModel, first: ScriptedModel, second: ScriptedModel, loading: bool
) -> None:
    first.health = ModelHealth(ok=False, detail="down")
    second.health = ModelHealth(ok=False, detail="starting", loading=loading)

    assert await model.check() == ModelHealth(ok=False, detail="down; starting", loading=loading)


async def test_check_is_that_of_the_first_good_model(
    model: FailoverModel, first: ScriptedModel, second: ScriptedModel
) -> None:
    first.health = ModelHealth(ok=False, detail="down", loading=True)
    second.health = ModelHealth(ok=True, detail="ready")

    assert await model.check() == ModelHealth(ok=True, detail="down; ready")


def test_first_model_measures(first: ScriptedModel, second: ScriptedModel, clock: ManualClock) -> None:
    measured = Measured(Counting(100))

    assert FailoverModel([measured, second], clock).measuring is measured.measuring
    assert FailoverModel([first, measured], clock).measuring is None
