"""Heartbeats of this process, and the test that the database takes writes."""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import replace

from beseda import __version__
from beseda.core.clock import Clock
from beseda.core.errors import StorageError
from beseda.core.process_identity import new_process_id
from beseda.core.tasks import end_tasks
from beseda.engine.processes.model import ALIVE_WITHIN, HEARTBEAT, RunningProcess
from beseda.engine.processes.repository import ProcessRepository

log = logging.getLogger(__name__)

_LAST_WRITE = 1.0  # seconds that the row of an ending process may take to go


class ProcessRegistry:
    """Sends heartbeats of this process. Call `start` when its role is known, and `close` at the end."""

    def __init__(self, store: ProcessRepository, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._process: RunningProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable = True

    def start(self, role: str, *, slots: Sequence[str] = (), keeps_schedule: bool = False) -> None:
        """Send heartbeats until `close`."""
        now = self._clock.now()
        host = socket.gethostname()
        self._process = RunningProcess(
            new_process_id(), role, host, os.getpid(), __version__, tuple(slots), keeps_schedule, now, now
        )
        self._task = asyncio.create_task(self._beat_on())

    async def list_alive(self) -> Sequence[RunningProcess]:
        """Return the processes of the installation that have sent a heartbeat lately. Raises StorageError."""
        return await self._store.list(self._clock.now() - ALIVE_WITHIN)

    async def check_writable(self) -> str:
        """Return why the database takes no writes, in a word for `/ready`; empty when it does."""
        if self._process is None:
            return ""
        return "" if await self._beat() else "cannot be written"

    async def close(self) -> None:
        """Stop the heartbeats and delete the row, if the database is available."""
        if self._task is None or self._process is None:
            return
        await end_tasks([self._task])
        try:
            async with asyncio.timeout(_LAST_WRITE):
                await self._store.leave(self._process.name)
        except (StorageError, TimeoutError):
            log.debug("the row of this process is left to expire")

    async def _beat(self) -> bool:
        """Store a heartbeat and return whether the database took it; log when that changes."""
        assert self._process is not None  # noqa: S101 - only called once started
        try:
            await self._store.beat(replace(self._process, seen_at=self._clock.now()))
        except StorageError as error:
            if self._writable:
                log.warning("the database takes no writes: %s", error.detail)
            self._writable = False
        else:
            if not self._writable:
                log.info("the database takes writes again")
            self._writable = True
        return self._writable

    async def _beat_on(self) -> None:
        while True:
            await self._beat()
            await self._clock.sleep(HEARTBEAT.total_seconds())
