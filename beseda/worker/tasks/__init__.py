"""Tasks, a noun a file: `tasks(container)` gives handlers by kind, `SCHEDULE` says what is asked for by the clock."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from beseda.jobs.base import JobHandler, JobQueue
from beseda.worker.schedule import Scheduled, Scheduler

if TYPE_CHECKING:
    from beseda.bootstrap.container import Container


def load_tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handlers of every file of this folder by the kind of job. Raises ValueError for a kind given twice."""
    found: dict[str, JobHandler] = {}
    for module in _load_modules():
        for kind, handler in module.tasks(container).items():
            if kind in found:
                raise ValueError(f"{module.__name__}: {kind} has a handler already")
            found[kind] = handler
    return found


def load_schedule() -> Sequence[Scheduled]:
    """Return what the files of this folder want done by the clock."""
    return [entry for module in _load_modules() for entry in getattr(module, "SCHEDULE", ())]


def register_tasks(queue: JobQueue, container: "Container") -> None:
    """Have a queue know every task. Raises ValueError where it knows one already."""
    for kind, handler in load_tasks(container).items():
        queue.register(kind, handler)


async def keep_schedule(container: "Container") -> None:
    """Ask for what is due by the clock until cancelled."""
    await Scheduler(container.jobs, load_schedule(), container.clock).run()


def _load_modules() -> Sequence[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    return [importlib.import_module(name) for name in names]
