"""Celery worker: it receives messages in Celery's threads, and runs jobs on the event loop of this process.

A message means that there is work in a slot. The worker that receives it runs the next job of the slot's queue, and
then the following ones, until none waits; the job's number in the message serves the log only. So no job depends on a
single message, and work for which one worker has no room is taken by another. Each worker also polls every few seconds:
a message may have reached a worker without the bot's token, or the broker may be unavailable.
"""

import asyncio
import logging
import socket
import threading
import warnings
from collections.abc import Mapping
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.worker import state

from beseda.core.errors import StorageError
from beseda.core.ids import new_id
from beseda.core.tasks import end_tasks
from beseda.engine.jobs.broker import TASK, build_app, name_queue
from beseda.engine.jobs.executor import Runner

log = logging.getLogger(__name__)

_AGAIN = 2.0  # seconds until a record that is away is asked again, and a consumer that ended is started anew
_LOOK_EVERY = 5.0  # seconds between two looks that nobody asked for
_STOP_SECONDS = 10.0
_NOISY = ("celery.worker.strategy", "celery.app.trace")  # two lines for each message


class CeleryWorker:
    """Consumes the queues of some slots. `run` it until it is cancelled."""

    def __init__(self, runner: Runner, url: str, slots: Mapping[str, int]) -> None:
        """`slots` maps each slot to the number of its jobs that may run here at the same time; 0 excludes a slot."""
        self._runner = runner
        self._url = url
        self._slots = {slot: width for slot, width in slots.items() if width}
        self._busy = dict.fromkeys(self._slots, 0)
        self._woken: set[str] = set()
        self._ended = asyncio.Event()
        self._closing = False

    async def run(self) -> None:
        """Work until cancelled. Jobs that are running then are ended by closing the runner."""
        loop = asyncio.get_running_loop()
        app = self._build_app(loop)
        looking = [asyncio.create_task(self._look_around(slot)) for slot in self._slots]
        try:
            while True:
                self._ended.clear()
                thread = threading.Thread(target=self._consume, args=(app, loop), name="celery", daemon=True)
                thread.start()
                await self._ended.wait()
                log.warning("the consumer of %s has ended: it starts again", ", ".join(self._slots))
                await asyncio.sleep(_AGAIN)
        finally:
            self._closing = True
            state.should_stop = 0
            await end_tasks(looking)

    async def take(self, slot: str) -> None:
        """Run the waiting jobs of a slot one after another until none waits. Return immediately if the slot is full."""
        self._woken.add(slot)  # whoever finds nothing more to do looks once more
        if self._busy[slot] >= self._slots[slot]:
            return
        self._busy[slot] += 1
        try:
            while slot in self._woken and not self._runner.closing:
                self._woken.discard(slot)
                await self._drain(slot)
        finally:
            self._busy[slot] -= 1

    async def _look_around(self, slot: str) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                await self.take(slot)
            except Exception:
                log.exception("no jobs of %s can be fetched", slot)  # a bug, which must not stop the looks for good

    async def _drain(self, slot: str) -> None:
        while not self._runner.closing:
            try:
                run = await self._runner.start_next(slot)
            except StorageError as error:
                log.warning("no jobs of %s can be fetched: %s", slot, error.detail)
                await asyncio.sleep(_AGAIN)
                continue
            if run is None:
                return
            await run.wait()

    async def close(self) -> None:
        """Wait until the consumer has ended. Messages that it has not acknowledged by then are delivered again."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            log.warning("the consumer does not end")
        state.should_stop = None

    def _build_app(self, loop: asyncio.AbstractEventLoop) -> Celery:
        app = build_app(self._url)

        def run(job_id: int, slot: str) -> None:
            log.debug("woken for job %s", job_id)
            if slot in self._slots and not self._closing:
                asyncio.run_coroutine_threadsafe(self.take(slot), loop).result()

        # Not shared: Celery would offer the task to every other app of the process.
        app.task(name=TASK, shared=False)(run)
        # Celery's threads look for tasks in the app of the process.
        app.set_current()
        app.set_default()
        return app

    def _consume(self, app: Celery, loop: asyncio.AbstractEventLoop) -> None:
        # It says at every lost connection what a later version will do otherwise; we have chosen.
        warnings.simplefilter("ignore", CPendingDeprecationWarning)
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.WARNING)
        options: dict[str, Any] = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        try:
            app.WorkController(
                hostname=f"beseda-{new_id():x}@{socket.gethostname()}",
                pool="threads",
                concurrency=sum(self._slots.values()),
                queues=[name_queue(slot) for slot in self._slots],
                **options,
            ).start()
        except Exception:
            log.exception("the consumer has ended")
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._ended.set)
