"""Jobs in this process, over Beseda's own table: without a broker, and no job is lost if the process dies.

Several processes can run jobs side by side: each takes the next one in the queue.
"""

import asyncio
import logging
from collections.abc import Mapping

from beseda.core.clock import Clock
from beseda.core.errors import StorageError
from beseda.core.tasks import end_tasks
from beseda.engine.jobs.base import JobHandler
from beseda.engine.jobs.database_queue import TableQueue
from beseda.engine.jobs.executor import Timing, free_dead
from beseda.engine.jobs.repository import JobRepository

__all__ = ["InlineJobs", "Timing"]

log = logging.getLogger(__name__)


class InlineJobs(TableQueue):
    """A `JobQueue` that runs jobs in the process of the bots, up to the width of each slot at the same time."""

    def __init__(
        self,
        store: JobRepository,
        handlers: Mapping[str, JobHandler],
        slots: Mapping[str, int],
        clock: Clock,
        timing: Timing | None = None,
    ) -> None:
        """`handlers` by kind; more can be registered later. Nothing runs before `start`."""
        super().__init__(store, slots, clock, timing)
        self._loops: list[asyncio.Task[None]] = []
        self._wakes = {slot: asyncio.Event() for slot in slots}
        self._runner.on_free = self._hand_out
        for kind, work in handlers.items():
            self.register(kind, work)

    def register(self, kind: str, handler: JobHandler, *, bot: str = "") -> None:
        """Register the handler of a kind, for every bot or for one. Raises ValueError if there is one already."""
        super().register(kind, handler, bot=bot)
        self._wake_all()

    async def start(self) -> None:
        """Free the jobs of dead processes of this machine, and begin to run jobs. Raises StorageError."""
        await free_dead(self._store)
        self._news.start()
        loops = [self._serve(slot, width) for slot, width in self._slots.items()]
        self._loops = [asyncio.create_task(loop) for loop in (*loops, self._beat())]

    async def close(self, *, within: float | None = None) -> None:
        """Stop. Jobs that still run after the grace period, or `within` seconds, are cancelled and queued again."""
        self._runner.closing = self._news.closing = True
        self._wake_all()
        # A claim that is under way is not broken off: its job would stay leased without anybody who runs it.
        if self._loops:
            await asyncio.wait(self._loops[:-1], timeout=self._timing.beat)
        for loop in self._loops[:-1]:
            loop.cancel()
        await self._runner.close(within)  # leases are renewed meanwhile
        await end_tasks(self._loops)
        await self._news.close()

    def _hand_out(self, slot: str) -> None:
        self._wakes[slot].set()

    async def _serve(self, slot: str, width: int) -> None:
        wake = self._wakes[slot]
        while True:
            wake.clear()
            try:
                await self._fill(slot, width)
            except StorageError as error:
                log.warning("no jobs of %s can be fetched: %s", slot, error.detail)
            except Exception:
                log.exception("no jobs of %s can be fetched", slot)  # a bug, which must not stop the slot for good
            if self._runner.closing:
                return
            await wake.wait()

    async def _fill(self, slot: str, width: int) -> None:
        while not self._runner.closing and self._runner.count(slot) < width:
            if await self._runner.start_next(slot) is None:
                return

    async def _beat(self) -> None:
        """Renew leases, and check the table for jobs that are due or were left by other processes."""
        while True:
            await self._clock.sleep(self._timing.beat)
            try:
                await self._runner.beat()
            except StorageError as error:
                log.warning("leases are not renewed: %s", error.detail)
            except Exception:
                log.exception("leases are not renewed")
            self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._wakes.values():
            wake.set()
