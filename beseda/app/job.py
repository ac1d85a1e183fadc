"""The queue for work that takes its time: in this process, or handed to workers by a broker."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.ephemeral.base.bus import Bus
from beseda.features.broadcasts.service import SLOT as BROADCAST_SLOT

if TYPE_CHECKING:
    from beseda.engine.jobs.celery import CeleryJobs


async def open_jobs(
    store: JobRepository, settings: Settings, bus: Bus, clock: Clock, stack: AsyncExitStack
) -> "InlineJobs | CeleryJobs":
    """Open the queue that the settings name. Raises StorageError."""
    jobs = _build_jobs(store, settings, clock)
    jobs.connect(bus)
    stack.push_async_callback(jobs.close)
    await jobs.start()
    return jobs


def _slots(settings: Settings) -> dict[str, int]:
    """Return the width of each slot. Broadcasts have one of their own, as wide as `light`.

    Each takes its place for minutes: in `light` four of them held up webhooks and meetings.
    """
    slots = settings.slots()
    return {**slots, BROADCAST_SLOT: slots["light"]}


def _build_jobs(store: JobRepository, settings: Settings, clock: Clock) -> "InlineJobs | CeleryJobs":
    if settings.celery_broker_url is None:
        return InlineJobs(store, {}, _slots(settings), clock)
    # Celery takes a third of a second to import, and is needed only here.
    from beseda.engine.jobs.broker import Broker
    from beseda.engine.jobs.celery import CeleryJobs

    return CeleryJobs(store, Broker(settings.celery_broker_url), _slots(settings), clock)
