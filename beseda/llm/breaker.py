"""A circuit breaker over a clock: stops calls for a while after repeated failures. Does no I/O."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from beseda.core.clock import Clock


class BreakerState(StrEnum):
    """Closed lets everything through, open nothing, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """Opens after `failures` within `window` seconds, for `pause` seconds."""

    failures: int = 10
    window: float = 60.0
    pause: float = 15.0


class Breaker:
    """Decides from the results of recent calls whether a call may be tried.

    Every call that `try_pass` let through ends in exactly one of `record_success`, `record_failure` or `release`.
    `open_until` is on the clock, and None while the breaker is closed.
    """

    def __init__(self, clock: Clock, rule: BreakerRule | None = None) -> None:
        self._clock = clock
        self._rule = rule or BreakerRule()
        self._failures: deque[float] = deque(maxlen=self._rule.failures)
        self.open_until: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._clock.monotonic() >= self.open_until else BreakerState.OPEN

    @property
    def wait(self) -> float:
        """Seconds until a probe may pass; 0 when one may pass now."""
        return 0.0 if self.open_until is None else max(0.0, self.open_until - self._clock.monotonic())

    def try_pass(self) -> bool:
        """Return whether a call may be made now. In the half-open state this takes the only probe."""
        state = self.state
        if state is BreakerState.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return state is BreakerState.CLOSED

    def record_success(self) -> None:
        """Close: the service works."""
        self._failures.clear()
        self.open_until = None
        self._probing = False

    def record_failure(self) -> None:
        """Count a failure. Opens the breaker if the limit is reached or if the failed call was the probe."""
        now = self._clock.monotonic()
        self._failures.append(now)
        recent = len(self._failures) == self._rule.failures and now - self._failures[0] <= self._rule.window
        if self._probing or recent:
            self.open_for(self._rule.pause)

    def open_for(self, seconds: float) -> None:
        """Open the breaker for `seconds`, the time to wait that the service itself named."""
        self.open_until = self._clock.monotonic() + seconds
        self._probing = False

    def release(self) -> None:
        """End a call that proves nothing about the service: it was cancelled, or the request itself was wrong."""
        self._probing = False
