"""Jobs that run in workers of other processes and machines, woken by Celery.

enqueue()   writes the row: from then on the job is accepted, even if the broker is unavailable
relay       sends the numbers of jobs that are due and not sent yet, or sent some time ago and not started: a message
            was lost, a broker lost its memory, a worker died
a worker    is woken and claims the next job of the slot: the order is fair among people, as without a broker
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import BrokerUnavailableError, StorageError
from beseda.core.tasks import end_tasks
from beseda.engine.jobs.broker import Broker
from beseda.engine.jobs.database_queue import TableQueue
from beseda.engine.jobs.executor import Runner, Timing, free_dead
from beseda.engine.jobs.repository import JobRepository

log = logging.getLogger(__name__)

_LOOK_EVERY = 2.0  # seconds between two looks for what is to be sent
_SEND_AGAIN = 5.0  # seconds after which a message that nobody acted on is taken for lost
_AHEAD = 64  # how far down the line numbers are sent


class CeleryJobs(TableQueue):
    """A `JobQueue` with jobs that run in Beseda's Celery workers: `beseda.engine.jobs.celery_worker`.

    In the process of a worker, that worker runs them with `runner`; in other processes no jobs run.
    """

    def __init__(
        self, store: JobRepository, broker: Broker, slots: Mapping[str, int], clock: Clock, timing: Timing | None = None
    ) -> None:
        """`slots` maps each slot to the number of its jobs that a worker of this process may run at the same time."""
        super().__init__(store, slots, clock, timing)
        self._broker = broker
        self._loops: list[asyncio.Task[None]] = []
        self._waiting = set(slots)
        self._kick = asyncio.Event()
        self._backoff = Backoff(first=0.5, cap=10.0)
        self._failures = 0

    @property
    def runner(self) -> Runner:
        """The executor of this process, used by the Celery worker."""
        return self._runner

    @property
    def slots(self) -> Mapping[str, int]:
        """The number of jobs of each slot that a worker of this process may run at the same time."""
        return self._slots

    async def start(self) -> None:
        """Begin to send jobs that are due. Raises StorageError."""
        await free_dead(self._store)
        self._news.start()
        self._loops = [asyncio.create_task(loop) for loop in (self._relay(), self._beat())]

    async def close(self, *, within: float | None = None) -> None:
        """Stop. Jobs that still run after the grace period, or `within` seconds, are cancelled and queued again."""
        self._news.closing = True
        await self._runner.close(within)  # leases are renewed, and what goes back is sent to others meanwhile
        await end_tasks(self._loops)
        await self._news.close()
        await self._broker.close()

    def _hand_out(self, slot: str) -> None:
        self._waiting.add(slot)
        self._kick.set()

    async def _relay(self) -> None:
        while True:
            self._kick.clear()
            slots, self._waiting = self._waiting, set()
            try:
                for slot in slots:
                    await self._send(slot)
            except BrokerUnavailableError as error:
                await self._rest(error, slots)
            except StorageError as error:
                log.warning("jobs are not handed to workers: %s", error.detail)
                self._waiting |= slots
                await self._clock.sleep(_LOOK_EVERY)
            except Exception:
                log.exception("jobs are not handed to workers")  # a bug, which must not stop all jobs for good
                await self._clock.sleep(_LOOK_EVERY)
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY):
                await self._kick.wait()
        except TimeoutError:
            self._waiting = set(self._slots)

    async def _rest(self, error: BrokerUnavailableError, slots: set[str]) -> None:
        """Wait for an unavailable broker; jobs are accepted meanwhile. The warning is logged once."""
        level = logging.DEBUG if self._failures else logging.WARNING
        log.log(level, "jobs wait until the broker is back: %s", error.detail)
        await self._clock.sleep(self._backoff.delay(self._failures))
        self._failures += 1
        self._waiting |= slots

    async def _send(self, slot: str) -> None:
        stale = self._clock.now() - timedelta(seconds=_SEND_AGAIN)
        numbers = await self._store.publish_next(slot, stale, _AHEAD)
        if numbers:
            await self._broker.send(slot, numbers)
            if self._failures:
                log.info("the broker is back")
            self._failures = 0

    async def _beat(self) -> None:
        """Renew the leases of jobs that run here, and end those of processes that died."""
        while True:
            await self._clock.sleep(self._timing.beat)
            try:
                if await self._runner.beat():
                    self._waiting = set(self._slots)
                    self._kick.set()
            except StorageError as error:
                log.warning("leases are not renewed: %s", error.detail)
            except Exception:
                log.exception("leases are not renewed")
