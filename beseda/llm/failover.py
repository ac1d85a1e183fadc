"""Several models as one: the first that produces text answers.

Another model may take over only before the first text. A later failure is a broken answer and is raised, since the user
has read half a sentence.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType

from beseda.core.clock import Clock
from beseda.core.errors import (
    BrokenStreamError,
    ContextTooLongError,
    EmptyAnswerError,
    LoadingError,
    QuotaExceededError,
    RefusedAnswerError,
    RejectedRequestError,
    RemoteError,
    RepeatingAnswerError,
    ThoughtsOnlyError,
    TimedOutError,
    UnansweredError,
    UnavailableError,
)
from beseda.core.failover import RetryRule
from beseda.llm.base import (
    ChatModel,
    Measuring,
    ModelEvent,
    ModelHealth,
    ModelRequest,
    ObservedCall,
    OpenObserver,
    TextDelta,
    Waiting,
    find_measuring,
)
from beseda.llm.breaker import Breaker, BreakerRule

logger = logging.getLogger(__name__)

# Another model would be told the same text: no failure of the service.
_ABOUT_THE_TEXT = (ContextTooLongError, RefusedAnswerError)
# The service works, the answer does not: neither counts towards its breaker.
_ABOUT_THE_ANSWER = (LoadingError, EmptyAnswerError, RepeatingAnswerError, RejectedRequestError, RefusedAnswerError)
_LOADING_SECONDS = 1.0  # between two looks whether a model is loaded
# A try of these is long or had its effect (it was paid for, it ended the server), and the next would end like it:
# another model is asked immediately, and where there is none the same one once more.
_ONCE_MORE = (TimedOutError, UnansweredError, ThoughtsOnlyError)
# What stays what it is after the first word.
_SAID_AS_IT_IS = (BrokenStreamError, RefusedAnswerError, RepeatingAnswerError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy(RetryRule):
    """Limits of retries at models. A server that is still loading its model is awaited for `longest_load` seconds."""

    longest_load: float = 240.0
    breaker: BreakerRule = field(default_factory=BreakerRule)


class FailoverModel:
    """A `ChatModel` over an ordered list of others."""

    def __init__(
        self,
        models: Sequence[ChatModel],
        clock: Clock,
        policy: RetryPolicy | None = None,
        *,
        observers: Sequence[OpenObserver] = (),
    ) -> None:
        """`observers` are those of each attempt: their errors count as errors of the model."""
        if not models:
            raise ValueError("a failover needs at least one model")
        self._policy = policy or RetryPolicy()
        self._clock = clock
        self._observers = observers
        self._members = [_Member(model, clock, self._policy) for model in models]

    @property
    def name(self) -> str:
        return ",".join(member.model.name for member in self._members)

    @property
    def measuring(self) -> Measuring | None:
        """`measuring` of the first model, which answers as a rule."""
        return find_measuring(self._members[0].model)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer of the first model that produces text.

        Raises the error of the last model if none does. ContextTooLongError, RefusedAnswerError and errors after the
        first text are raised without trying another model.
        """
        last: RemoteError | None = None
        deadline = self._clock.monotonic() + self._policy.longest_load
        for member in self._members:
            attempt, alone = 0, member is self._members[-1]
            while member.breaker.try_pass():
                call = _Attempt(member, request, self._observers)
                try:
                    async with call as events:
                        async for event in events:
                            yield call.pass_on(event)
                            if call.cut is not None:
                                yield call.cut
                                return
                        return
                except RemoteError as error:
                    last = call.explain(error)
                if alone and isinstance(last, LoadingError) and self._clock.monotonic() < deadline:
                    yield Waiting(0)
                    await self._clock.sleep(_LOADING_SECONDS)
                    continue
                attempts = (2 if alone else 1) if isinstance(last, _ONCE_MORE) else None
                wait = self._policy.find_wait(last, attempt, attempts=attempts)
                if wait is None:
                    break
                logger.info("%s; again in %.1f s", last.detail, wait)
                await self._clock.sleep(wait)
                attempt += 1
            else:
                last = last or member.describe_pause()
            logger.warning("%s does not answer: %s", member.model.name, last)
        raise last or UnavailableError("no model is left to ask")

    async def check(self) -> ModelHealth:
        """Return a good health if one of the models has it, with the details of all."""
        found = [await member.model.check() for member in self._members]
        detail = "; ".join(health.detail for health in found)
        first = next((health for health in found if health.ok), None)
        if first is None:
            return ModelHealth(ok=False, detail=detail, loading=any(health.loading for health in found))
        return replace(first, detail=detail)

    async def close(self) -> None:
        for member in self._members:
            await member.model.close()


class _Member:
    """A model with its breaker and its last error."""

    def __init__(self, model: ChatModel, clock: Clock, policy: RetryPolicy) -> None:
        self.model = model
        self.breaker = Breaker(clock, policy.breaker)
        self._longest_wait = policy.longest_wait
        self.complaint: RemoteError | None = None

    def describe_pause(self) -> RemoteError:
        """Return the error for a call that the breaker did not let through."""
        kind = type(self.complaint) if self.complaint else UnavailableError
        reason = f": {self.complaint.detail}" if self.complaint else ""
        return kind(f"{self.model.name} is left alone for a while{reason}", retry_after=self.breaker.wait)

    def record(self, error: RemoteError) -> None:
        """Record the error of a call in the breaker."""
        self.complaint = error
        if isinstance(error, _ABOUT_THE_ANSWER):
            self.breaker.release()
        elif isinstance(error, QuotaExceededError):
            self._respect_quota(error.retry_after)
        else:
            self.breaker.record_failure()

    def _respect_quota(self, wait: float | None) -> None:
        # A short wait is each call's own; a long one is everybody's, and asking in vain would only prolong it.
        if wait is not None and wait > self._longest_wait:
            self.breaker.open_for(wait)
        else:
            self.breaker.release()


class _Attempt(ObservedCall):
    """One attempt at one model. Its end is recorded in the breaker."""

    def __init__(self, member: _Member, request: ModelRequest, observers: Sequence[OpenObserver]) -> None:
        super().__init__(member.model, request, observers)
        self._breaker = member.breaker
        self._record = member.record
        self._spoken = False

    def pass_on(self, event: ModelEvent) -> ModelEvent:
        for observer in self._observers:
            event = observer.on_event(event)
        if type(event) is TextDelta:
            self._spoken = True
        if self._breaker.open_until is not None and type(event) is not Waiting:
            self._breaker.record_success()  # it speaks: no other call has to wait for the end of this one
        return event

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            if isinstance(error, RemoteError):
                self._record(error)
            elif error is None or self._spoken:
                self._breaker.record_success()
            else:  # the consumer left
                self._breaker.release()

    def explain(self, error: RemoteError) -> RemoteError:
        """Return `error` if another attempt may follow it, else raise it. After the first text the answer is broken."""
        if isinstance(error, _ABOUT_THE_TEXT):
            raise error
        if self._spoken:
            raise _describe_break(error) from error
        return error


def _describe_break(error: RemoteError) -> RemoteError:
    if isinstance(error, _SAID_AS_IT_IS):
        return error
    broken = BrokenStreamError(
        error.message, endpoint=error.endpoint, status=error.status, code=error.code, retry_after=error.retry_after
    )
    broken.hint = error.hint
    return broken
