"""The conditions that each serving process logs."""

import asyncio
from datetime import timedelta

from beseda.app.repositories import Repositories
from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.core.disk import read_free_bytes
from beseda.engine.processes.model import find_unserved_slots
from beseda.engine.processes.registry import ProcessRegistry
from beseda.engine.watch import ConditionWatch
from beseda.features.webhooks.service import WebhookService

_CLOCK_TOLERANCE = timedelta(minutes=1)
# SQLite's log alone grows to 8 MiB; with less than this nothing new can be stored for long.
_FULL_DISK = 4 * 1024 * 1024


async def check_disk(settings: Settings) -> str:
    """Return the fault of the disk of STORAGE_DIR in a word for `/ready`; empty if there is none."""
    free = await asyncio.to_thread(read_free_bytes, settings.storage_dir)
    return "full" if free < _FULL_DISK else ""


def build_watch(
    settings: Settings, record: Repositories, services: tuple[ProcessRegistry, WebhookService], clock: Clock
) -> ConditionWatch:
    """Return the watch over workers, schedule, disk, clock and the secret of events."""
    processes, webhooks = services
    slots = [slot for slot, width in settings.slots().items() if width]

    async def check_workers() -> str:
        missing = find_unserved_slots(slots, await processes.list_alive())
        return f"no process works on jobs of {', '.join(missing)}: start `beseda worker`" if missing else ""

    async def check_schedule() -> str:
        is_kept = any(process.keeps_schedule for process in await processes.list_alive())
        return "" if is_kept else "no process starts scheduled jobs: start `beseda beat`"

    async def check_clock() -> str:
        newest = (await record.analytics.read_backlog()).newest
        if newest is None or newest <= clock.now() + _CLOCK_TOLERANCE:
            return ""
        return f"the newest row was made in the future, at {newest:%Y-%m-%d %H:%M} UTC"

    async def check_secret() -> str:
        use = await webhooks.count_secrets()
        return use.explain() if use.unknown else ""

    async def check_room() -> str:
        return f"{settings.storage_dir} is full: free some room" if await check_disk(settings) else ""

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
