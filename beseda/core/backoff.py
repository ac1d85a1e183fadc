"""Backoff: delays between retries."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow by a factor up to a cap, with jitter so that many callers do not retry at the same moment."""

    first: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.2

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number `attempt`, counted from 0."""
        base = min(self.cap, self.first * self.factor ** min(attempt, 32))
        return base * (1 + self.jitter * (2 * random.random() - 1))  # noqa: S311 - spread, not secrecy
