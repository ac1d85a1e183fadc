"""Checks of `beseda doctor` on the running system: database, disk, clock, processes, webhooks."""

import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from beseda.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beseda.config import Settings
    from beseda.engine.processes.model import RunningProcess

_FULL_DISK = 4 * 1024 * 1024
_SCARCE_DISK = 512 * 1024 * 1024
_CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check. `needed` is false for a part that the bots can run without."""

    part: str
    ok: bool
    detail: str
    needed: bool = True


async def check_database(settings: "Settings") -> list[CheckResult]:
    """Check that the tables are up to date and that a row can be written; then the processes and the clock."""
    from contextlib import AsyncExitStack

    from beseda.db.database import Database
    from beseda.db.migrate import UPGRADE, check

    problems = await check(settings.database())
    if problems:
        # `run`, `bot` and `worker` migrate by themselves: such a database needs nothing.
        is_old = all(UPGRADE in problem for problem in problems)
        detail = "; ".join(problems).replace(UPGRADE, "the next start does that")
        return [CheckResult("database", is_old, detail, needed=not is_old)]
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database(), patience=5.0)
        stack.push_async_callback(database.close)
        return await _check_open_database(settings, database)


async def _check_open_database(settings: "Settings", database: Any) -> list[CheckResult]:
    from beseda.cli.settings import name_database
    from beseda.core.ids import time_of
    from beseda.engine.identity import find_highest
    from beseda.engine.processes.model import ALIVE_WITHIN
    from beseda.engine.processes.repository import ProcessRepository

    processes = ProcessRepository(database)
    now = datetime.now(UTC)
    alive = await processes.list(now - ALIVE_WITHIN)
    highest = await database.read(find_highest)
    findings = [*_check_processes(settings, alive), *await _check_secrets(settings, database)]
    if highest and time_of(highest) > now + _CLOCK_TOLERANCE:
        ahead = f"the newest row was made in the future, at {time_of(highest):%Y-%m-%d %H:%M} UTC"
        findings.append(CheckResult("clock", False, f"{ahead}: a clock was ahead then or is behind now; set it right"))
    try:
        await _write_once(processes, now)
    except StorageError as error:
        detail = f"reads, and takes no writes: {error}; free the disk, or point DATABASE_URL at the primary server"
        return [CheckResult("database", False, detail), *findings]
    return [CheckResult("database", True, f"{name_database(settings)}: up to date, writable"), *findings]


async def _write_once(processes: Any, now: datetime) -> None:
    import os
    import socket

    from beseda import __version__
    from beseda.core.process_identity import new_process_id
    from beseda.engine.processes.model import RunningProcess

    name = new_process_id()
    # As of an hour ago: the row tries the database out, and no other process is to take this command for one.
    seen = now - timedelta(hours=1)
    await processes.beat(
        RunningProcess(name, "doctor", socket.gethostname(), os.getpid(), __version__, (), False, seen, seen)
    )
    await processes.leave(name)


async def _check_secrets(settings: "Settings", database: Any) -> list[CheckResult]:
    """Compare the secret of events with the one that the keys of webhooks were derived from."""
    from beseda.features.webhooks.keys import EventSecrets
    from beseda.features.webhooks.repository import WebhookRepository

    secrets = EventSecrets(settings.events_secret, settings.events_secret_old)
    use = secrets.count(await WebhookRepository(database).count_by_fingerprint())
    return [CheckResult("events secret", not use.unknown, use.explain())] if use.total else []


def _check_processes(settings: "Settings", alive: "Sequence[RunningProcess]") -> list[CheckResult]:
    from beseda.engine.processes.model import find_unserved_slots

    if not alive:
        return [CheckResult("processes", True, "none is running now", needed=False)]
    roles = ", ".join(f"{process.role} (pid {process.pid})" for process in alive)
    findings = [CheckResult("processes", True, roles, needed=False)]
    if missing := find_unserved_slots([slot for slot, width in settings.slots().items() if width], alive):
        detail = f"no process works on jobs of {', '.join(missing)}: start `beseda worker`"
        findings.append(CheckResult("workers", False, detail))
    elif settings.celery_broker_url:
        findings.append(CheckResult("workers", True, f"{sum(bool(process.slots) for process in alive)} alive"))
    if not any(process.keeps_schedule for process in alive):
        findings.append(CheckResult("schedule", False, "no process starts scheduled jobs: start `beseda beat`"))
    return findings


async def check_disk(settings: "Settings") -> list[CheckResult]:
    """Check that the storage folder takes files and that its disk has room."""
    import asyncio

    from beseda.cli.settings import open_storage
    from beseda.core.disk import read_free_bytes

    folder = open_storage(settings)
    free = await asyncio.to_thread(read_free_bytes, folder)
    room = f"{free // 1024**2} MiB free"
    if free < _SCARCE_DISK:
        detail = f"{folder}: {room}: free some, or files and answers can no longer be stored"
        return [CheckResult("storage", False, detail, needed=free < _FULL_DISK), *_check_access(folder)]
    return [CheckResult("storage", True, f"{folder}, {room}"), *_check_access(folder)]


def _check_access(folder: "Path") -> list[CheckResult]:
    """Return a finding for a folder that other users of the machine can enter: older versions made it so."""
    if not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    detail = f"other users of this machine can enter {folder}, which holds chats and files: chmod 700 {folder}"
    return [CheckResult("access", False, detail, needed=False)]


def check_webhook(settings: "Settings", name: str, info: "dict[str, Any]") -> list[CheckResult]:
    """Compare Telegram's view of a bot's webhook with the settings; `info` is the answer of getWebhookInfo."""
    from beseda.engine.webhook_watch import find_failure

    part = f"webhook of {name}"
    url, waiting = str(info.get("url", "")), info.get("pending_update_count", 0)
    if not (settings.public_url and settings.webhook_secret):
        if not url:
            return []
        return [CheckResult(part, False, "one is set, and these settings poll: `beseda run` removes it", needed=False)]
    wanted = f"{settings.public_url.rstrip('/')}/telegram/{name}"
    if url != wanted:
        known = "another address" if url else "none"
        return [CheckResult(part, False, f"Telegram has {known}, not {wanted}: `beseda run` sets it", needed=False)]
    if failure := find_failure(info, datetime.now(UTC)):
        return [CheckResult(part, False, f"{wanted}: {failure}; BESEDA_PUBLIC_URL must lead to this port")]
    return [CheckResult(part, True, f"{wanted}, {waiting} updates wait")]
