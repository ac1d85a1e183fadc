"""`budget.tidy`: old counters and reservations are deleted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled

if TYPE_CHECKING:
    from beseda.app.container import Container

SCHEDULE = (Scheduled("budget.tidy", every=timedelta(hours=1), slot="light"),)


def tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handler that deletes old budget rows."""
    budgets = container.budgets

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"rows": await budgets.tidy()}

    return {"budget.tidy": tidy}
