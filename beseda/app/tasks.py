"""Tasks, one noun per file: `tasks(container)` returns handlers by kind, `SCHEDULE` lists the scheduled jobs."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from beseda.engine.jobs.base import JobHandler, JobQueue
from beseda.engine.jobs.schedule import Scheduled, Scheduler

if TYPE_CHECKING:
    from beseda.app.container import Container


def load_tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handlers of all files in this folder by kind. Raises ValueError for a kind with two handlers."""
    found: dict[str, JobHandler] = {}
    for module in _load_modules():
        for kind, handler in module.tasks(container).items():
            if kind in found:
                raise ValueError(f"{module.__name__}: {kind} has a handler already")
            found[kind] = handler
    return found


def load_schedule() -> Sequence[Scheduled]:
    """Return the scheduled jobs of all files of this folder."""
    return [entry for module in _load_modules() for entry in getattr(module, "SCHEDULE", ())]


def register_tasks(queue: JobQueue, container: "Container") -> None:
    """Register every task with a queue. Raises ValueError if one is registered already."""
    for kind, handler in load_tasks(container).items():
        queue.register(kind, handler)


async def keep_schedule(container: "Container") -> None:
    """Enqueue scheduled jobs until cancelled."""
    await Scheduler(container.jobs, load_schedule(), container.clock).run()


def _load_modules() -> Sequence[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    return [importlib.import_module(name) for name in names]
