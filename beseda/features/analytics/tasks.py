"""`analytics.rollup` every hour and `analytics.nightly` for late data: figures are rolled up in the background."""

from collections.abc import Mapping
from datetime import time, timedelta

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.features.analytics.service import AnalyticsService

SCHEDULE = (
    Scheduled("analytics.rollup", every=timedelta(hours=1), slot="light"),
    Scheduled("analytics.nightly", every=timedelta(days=1), at=time(2, 30), slot="light"),
)


def tasks(analytics: AnalyticsService) -> Mapping[str, JobHandler]:
    """Return the handlers that roll up figures."""

    async def roll_up(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"hours": await analytics.roll_up()}

    async def roll_up_days(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"hours": await analytics.roll_up_days()}

    return {"analytics.rollup": roll_up, "analytics.nightly": roll_up_days}
