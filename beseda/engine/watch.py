"""Conditions that stop a part of the installation: logged when they begin and when they are over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from beseda.core.clock import Clock
from beseda.core.errors import StorageError
from beseda.core.tasks import end_tasks

log = logging.getLogger(__name__)

Condition = Callable[[], Awaitable[str]]

_GRACE = 15.0  # seconds: processes that start together find each other within that time
_EVERY = 10.0  # seconds


class ConditionWatch:
    """Evaluates conditions at intervals. A condition returns a sentence while it holds, an empty string otherwise."""

    def __init__(self, conditions: Mapping[str, Condition], clock: Clock) -> None:
        self._conditions = conditions
        self._clock = clock
        self._since: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Evaluate the conditions until `close`."""
        self._task = asyncio.create_task(self._run(), name="condition-watch")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            await end_tasks([self._task])

    async def evaluate(self) -> None:
        """Evaluate each condition once. A condition is skipped if its database does not answer."""
        for name, condition in self._conditions.items():
            try:
                problem = await condition()
            except StorageError as error:
                log.debug("%s is not checked: %s", name, error.detail)
            else:
                self._note(name, problem)

    async def _run(self) -> None:
        await self._clock.sleep(_GRACE)
        while True:
            await self.evaluate()
            await self._clock.sleep(_EVERY)

    def _note(self, name: str, problem: str) -> None:
        if problem and name not in self._since:
            self._since[name] = self._clock.monotonic()
            log.warning("%s: %s", name, problem)
        elif not problem and name in self._since:
            log.info("%s: recovered after %.0f s", name, self._clock.monotonic() - self._since.pop(name))
