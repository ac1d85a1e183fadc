"""Back-ends that stand in for each other: one interface, failover in order, and the rule for retries."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from beseda.core.backoff import Backoff
from beseda.core.errors import BesedaError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackendHealth:
    """Whether a back-end works now, with the reason in one line if not, or if it will soon stop to work."""

    ok: bool
    detail: str


class FailoverMember(Protocol):
    """A service or program that does work of one kind."""

    @property
    def name(self) -> str:
        """Its name, as settings write it."""
        ...

    async def check(self) -> BackendHealth:
        """Check, without doing any work, whether it could."""
        ...

    async def close(self) -> None:
        """Release its connections."""
        ...


BackendT = TypeVar("BackendT", bound=FailoverMember)
ResultT = TypeVar("ResultT")


class Failover(Generic[BackendT]):
    """Several back-ends in place of one, the preferred one first; at least one."""

    def __init__(self, members: Sequence[BackendT]) -> None:
        if not members:
            raise ValueError("a failover needs at least one back-end")
        self._members = tuple(members)

    @property
    def name(self) -> str:
        """The names in order, as settings write such a list."""
        return ",".join(member.name for member in self._members)

    async def check(self) -> BackendHealth:
        """Return whether any of them works, with the details of each."""
        healths = [await member.check() for member in self._members]
        return BackendHealth(any(health.ok for health in healths), "; ".join(health.detail for health in healths))

    async def close(self) -> None:
        """Close every one of them."""
        for member in self._members:
            await member.close()

    async def try_each(
        self, call: Callable[[BackendT], Awaitable[ResultT]], faults: tuple[type[BesedaError], ...]
    ) -> ResultT:
        """Return the first result; a member that raises one of `faults` is followed by the next.

        If none has a result, raises the first error after which trying again makes sense, else the last one.
        """
        failures: list[BesedaError] = []
        for member in self._members:
            try:
                return await call(member)
            except faults as error:
                failures.append(error)
                log.warning("%s failed: %s", member.name, error)
        raise next((failure for failure in failures if failure.retryable), failures[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """At most `attempts` at one back-end; a wait over `longest_wait` seconds is not worth it."""

    attempts: int = 3
    longest_wait: float = 8.0
    backoff: Backoff = field(default_factory=Backoff)

    def find_wait(self, error: BesedaError, attempt: int, *, attempts: int | None = None) -> float | None:
        """Return the seconds before the same call is made again after failed attempt number `attempt`, from 0, or None.

        `attempts` replaces the rule's own number for errors of a kind that are rarely worth a retry.
        """
        if not error.retryable or attempt + 1 >= min(self.attempts, attempts or self.attempts):
            return None
        wait = self.backoff.delay(attempt) if error.retry_after is None else error.retry_after
        return wait if wait <= self.longest_wait else None
