"""A circuit breaker for Redis: during an outage one probe checks it, and all other callers fail immediately."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from beseda.core.errors import StorageError
from beseda.core.outages import OutageLog
from beseda.core.tasks import end_tasks

log = logging.getLogger(__name__)

T = TypeVar("T")
# What goes through here is a hint, a counter or a copy of the database: not worth more of a person's time.
_CALL_SECONDS = 0.5
_PAUSE = 1.0  # between two probes


class Outage:
    """Circuit breaker, shared by all users of Redis. Close it when they are done.

    The probe is a separate task: otherwise a message would have to wait for the time-out of a server that hangs.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        """`probe` sends any command to Redis. It raises StorageError while Redis does not answer."""
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None
        self._recoveries: list[Callable[[], Awaitable[None]]] = []
        self._limits: set[asyncio.Timeout] = set()  # of calls under way
        self._log = OutageLog(log, "Redis")

    def on_recovery(self, action: Callable[[], Awaitable[None]]) -> None:
        """Await `action` after each outage before Redis is used again. On a StorageError the outage continues."""
        self._recoveries.append(action)

    async def attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call and return its result. Raises StorageError if it fails, and without a call during an outage."""
        if self._probing is not None and not self._probing.done():
            raise StorageError("Redis does not answer")
        try:
            return await self._bound(call)
        except StorageError as error:
            self._begin(error)
            raise

    async def close(self) -> None:
        """Stop the probe."""
        if self._probing is not None:
            await end_tasks([self._probing])

    def _begin(self, error: StorageError) -> None:
        if self._probing is None or self._probing.done():
            self._log.fail(f"{error.detail}; this process goes on by itself")
            self._probing = asyncio.create_task(self._wait_until_back(), name="redis-probe")
            for limit in self._limits:
                if not limit.expired():  # calls that began together also time out together
                    limit.reschedule(asyncio.get_running_loop().time())  # all others fail with the first one

    async def _wait_until_back(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self._bound(self._probe)
                for action in self._recoveries:
                    await action()
            except StorageError as error:
                self._log.fail(error.detail)
            else:
                self._log.recover()
                return

    async def _bound(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a call. Raises StorageError if it fails or takes longer than half a second."""
        try:
            async with asyncio.timeout(_CALL_SECONDS) as limit:
                self._limits.add(limit)
                try:
                    return await call()
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            raise StorageError(f"Redis failed: no answer within {_CALL_SECONDS} s") from None
