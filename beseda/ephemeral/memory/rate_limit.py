"""Rate limits by sliding windows, in this process."""

from bisect import insort
from collections import deque
from collections.abc import Sequence

from beseda.core.clock import Clock, SystemClock
from beseda.ephemeral.base import Quota, Rate
from beseda.ephemeral.memory.expiring import ExpiringMap


class MemoryRateLimiter:
    """The times of each key's latest events: as many as its largest limit requires."""

    def __init__(self, clock: Clock | None = None, *, size: int = 100_000) -> None:
        """At most `size` keys; the least recently used one is evicted first."""
        self._clock = clock or SystemClock()
        self._events: ExpiringMap[deque[float]] = ExpiringMap(self._clock, size)

    async def spend(self, key: str, rate: Rate) -> Quota:
        """Count an event unless the rate is used up, and return the remaining quota."""
        wait = await self.hit(key, [rate])
        now = self._clock.monotonic()
        within = [moment for moment in self._events.get(key) or () if moment > now - rate.seconds]
        return Quota(wait, max(0, rate.limit - len(within)), wait or within[0] + rate.seconds - now)

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed.

        A rejected event is not counted.
        """
        if not rates:
            return 0.0
        now = self._clock.monotonic()
        events = self._events.get(key) or deque()
        wait = max(_wait(events, rate, now) for rate in rates)
        if wait > 0:
            return wait
        events.append(now)
        while len(events) > max(rate.limit for rate in rates):
            events.popleft()
        self._events.set(key, events, max(rate.seconds for rate in rates))
        return 0.0

    async def reserve(self, key: str, rates: Sequence[Rate], *, age: float = 0.0) -> float:
        """Count an event of `age` seconds ago at the time when the rates allow it. Return the seconds until then."""
        if not rates:
            return 0.0
        now = self._clock.monotonic()
        events = self._events.get(key) or deque()
        allowed = now - age
        for rate in rates:
            if len(events) >= rate.limit:
                allowed = max(allowed, events[-rate.limit] + rate.seconds)
        insort(events, allowed)
        while len(events) > max(rate.limit for rate in rates):
            events.popleft()
        wait = max(0.0, allowed - now)
        self._events.set(key, events, wait + max(rate.seconds for rate in rates))
        return wait


def _wait(events: deque[float], rate: Rate, now: float) -> float:
    if rate.limit <= 0:
        return rate.seconds
    if len(events) < rate.limit:
        return 0.0
    return max(0.0, events[-rate.limit] + rate.seconds - now)


class MemoryTokenBucket:
    """Token buckets in this process."""

    block = 1

    def __init__(self, clock: Clock | None = None, *, size: int = 10_000) -> None:
        """At most `size` keys are held. A least recently used bucket is dropped and thus full at its next use."""
        self._clock = clock or SystemClock()
        self._buckets: ExpiringMap[tuple[float, float]] = ExpiringMap(self._clock, size)

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        """Take up to `wanted` tokens. Return their number and, if it is 0, the seconds until a token is available."""
        now = self._clock.monotonic()
        level, at = self._buckets.get(key) or (burst, now)
        level = min(burst, level + (now - at) * rate)
        # The sum of many small shares falls short of a whole by the last digits.
        taken = max(0, min(wanted, int(level + 1e-9)))
        self._buckets.set(key, (level - taken, now), burst / rate)
        return taken, 0.0 if taken else (1.0 - level) / rate
