"""Checks of a running process: those behind `/ready`, and the conditions that it logs."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.core.disk import read_free_bytes
from beseda.core.errors import StorageError
from beseda.engine.processes.model import find_unserved_slots
from beseda.engine.processes.registry import ProcessRegistry
from beseda.engine.updates.repository import UpdateRepository
from beseda.engine.watch import Condition, ConditionWatch
from beseda.ephemeral.stores import EphemeralStores
from beseda.features.analytics.service import AnalyticsService
from beseda.features.webhooks.service import WebhookService

_CLOCK_TOLERANCE = timedelta(minutes=1)
# SQLite's log alone grows to 8 MiB; with less than this nothing new can be stored for long.
_FULL_DISK = 4 * 1024 * 1024


def list_checks(
    settings: Settings, updates: UpdateRepository, processes: ProcessRegistry, ephemeral: EphemeralStores
) -> Mapping[str, Condition]:
    """Return the checks behind `/ready`: the parts that a process cannot work without.

    A check returns the fault of its part in a few words, or an empty string.
    """

    async def check_database() -> str:
        try:
            await updates.unfinished("", limit=1)
        except StorageError:
            return "does not answer"
        return await processes.check_writable()

    async def check_disk() -> str:
        return "full" if await _is_full(settings.storage_dir) else ""

    async def check_redis() -> str:
        if ephemeral.ping is None:
            return ""
        try:
            await ephemeral.ping()
        except StorageError:
            return "does not answer"
        return ""

    checks = {"database": check_database, "disk": check_disk}
    return checks if ephemeral.ping is None else {**checks, "redis": check_redis}


def build_watch(
    settings: Settings,
    processes: ProcessRegistry,
    webhooks: WebhookService,
    analytics: AnalyticsService,
    clock: Clock,
) -> ConditionWatch:
    """Return the watch over workers, schedule, disk, clock and the secret of events."""
    slots = [slot for slot, width in settings.slots().items() if width]

    async def check_workers() -> str:
        missing = find_unserved_slots(slots, await processes.list_alive())
        return f"no process works on jobs of {', '.join(missing)}: start `beseda worker`" if missing else ""

    async def check_schedule() -> str:
        is_kept = any(process.keeps_schedule for process in await processes.list_alive())
        return "" if is_kept else "no process starts scheduled jobs: start `beseda beat`"

    async def check_clock() -> str:
        newest = (await analytics.backlog()).newest
        if newest is None or newest <= clock.now() + _CLOCK_TOLERANCE:
            return ""
        return f"the newest row was made in the future, at {newest:%Y-%m-%d %H:%M} UTC"

    async def check_secret() -> str:
        use = await webhooks.count_secrets()
        return use.explain() if use.unknown else ""

    async def check_room() -> str:
        return f"{settings.storage_dir} is full: free some room" if await _is_full(settings.storage_dir) else ""

    return ConditionWatch(
        {
            "workers": check_workers,
            "schedule": check_schedule,
            "disk": check_room,
            "clock": check_clock,
            "events secret": check_secret,
        },
        clock,
    )


async def _is_full(folder: Path) -> bool:
    return await asyncio.to_thread(read_free_bytes, folder) < _FULL_DISK
