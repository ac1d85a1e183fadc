"""`broadcast.look`: a broadcast that lost its job, or waited for the end of quiet hours, gets one. Bots send it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled

if TYPE_CHECKING:
    from beseda.app.container import Container

SCHEDULE = (Scheduled("broadcast.look", every=timedelta(minutes=1), slot="light"),)


def tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handler that looks for broadcasts without a job."""
    broadcasts = container.broadcasts

    async def look(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"asked": await broadcasts.look()}

    return {"broadcast.look": look}
