"""`broadcast.look`: a broadcast that lost its job, or waited for the end of quiet hours, gets one. Bots send it."""

from collections.abc import Mapping
from datetime import timedelta

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.features.broadcasts.service import BroadcastService

SCHEDULE = (Scheduled("broadcast.look", every=timedelta(minutes=1), slot="light"),)


def tasks(broadcasts: BroadcastService) -> Mapping[str, JobHandler]:
    """Return the handler that looks for broadcasts without a job."""

    async def look(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"asked": await broadcasts.look()}

    return {"broadcast.look": look}
