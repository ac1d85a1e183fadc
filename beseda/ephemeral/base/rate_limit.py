"""Rate limits, as services see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` events in any `seconds`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Quota:
    """The state of a rate after an event: seconds until it is allowed (0: it was), events left, seconds until one more.

    If processes share a limiter, the state covers all of them together.
    """

    wait: float
    left: int
    renewed: float


class RateLimiter(Protocol):
    """Rate limits by sliding windows."""

    async def spend(self, key: str, rate: Rate) -> Quota:
        """Count an event unless the rate is used up, and return the remaining quota. The limit must be above zero."""
        ...

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed."""
        ...

    async def reserve(self, key: str, rates: Sequence[Rate], *, age: float = 0.0) -> float:
        """Count an event of `age` seconds ago and return the seconds until the rates allow it; 0 if they allow it now.

        Events that are not allowed yet are counted as well, each at the time from which it is allowed, so that they
        queue. Because of `age`, events that were spread over the past do not count as a burst against their author.
        """
        ...


class TokenBucket(Protocol):
    """Token buckets: a common rate limit for several processes.

    `block` is the best number of tokens for one call: more than one if a call goes over the network.
    """

    @property
    def block(self) -> int:
        """The best number of tokens for one call."""
        ...

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        """Take up to `wanted` tokens of a bucket that gains `rate` tokens a second and holds `burst`.

        Return the number of tokens taken and, if it is 0, the seconds until a token is available.
        """
        ...
