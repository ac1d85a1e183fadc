"""`budget.tidy`: old counters and reservations are deleted."""

from collections.abc import Mapping
from datetime import timedelta

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.engine.usage.budget_service import BudgetService

SCHEDULE = (Scheduled("budget.tidy", every=timedelta(hours=1), slot="light"),)


def tasks(budgets: BudgetService) -> Mapping[str, JobHandler]:
    """Return the handler that deletes old budget rows."""

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"rows": await budgets.tidy()}

    return {"budget.tidy": tidy}
