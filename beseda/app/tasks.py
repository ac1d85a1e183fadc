"""Tasks of the worker: `tasks(container)` of each module returns handlers by kind, `SCHEDULE` its scheduled jobs."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from beseda.app import record_tasks
from beseda.engine.conversations import tasks as conversation_tasks
from beseda.engine.jobs.base import JobHandler, JobQueue
from beseda.engine.jobs.schedule import Scheduled, Scheduler
from beseda.engine.usage import tasks as usage_tasks
from beseda.features.analytics import tasks as analytics_tasks
from beseda.features.broadcasts import tasks as broadcast_tasks
from beseda.features.meetings import tasks as meeting_tasks
from beseda.features.reports import tasks as report_tasks
from beseda.features.webhooks import tasks as webhook_tasks
from beseda.web import idempotency_tasks

if TYPE_CHECKING:
    from beseda.app.container import Container

MODULES: Sequence[ModuleType] = (
    analytics_tasks,
    broadcast_tasks,
    conversation_tasks,
    idempotency_tasks,
    meeting_tasks,
    record_tasks,
    report_tasks,
    usage_tasks,
    webhook_tasks,
)


def load_tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handlers of all modules by kind. Raises ValueError for a kind with two handlers."""
    found: dict[str, JobHandler] = {}
    for module in MODULES:
        for kind, handler in module.tasks(container).items():
            if kind in found:
                raise ValueError(f"{module.__name__}: {kind} has a handler already")
            found[kind] = handler
    return found


def load_schedule() -> Sequence[Scheduled]:
    """Return the scheduled jobs of all modules."""
    return [entry for module in MODULES for entry in getattr(module, "SCHEDULE", ())]


def register_tasks(queue: JobQueue, container: "Container") -> None:
    """Register every task with a queue. Raises ValueError if one is registered already."""
    for kind, handler in load_tasks(container).items():
        queue.register(kind, handler)


async def keep_schedule(container: "Container") -> None:
    """Enqueue scheduled jobs until cancelled."""
    await Scheduler(container.jobs, load_schedule(), container.clock).run()
