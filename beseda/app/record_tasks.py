"""`record.tidy`: data that need not be kept is deleted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled

if TYPE_CHECKING:
    from beseda.app.container import Container

SCHEDULE = (Scheduled("record.tidy", every=timedelta(hours=1), slot="light"),)


def tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handler that deletes old data."""
    housekeeping = container.build_housekeeping()

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"updates": await housekeeping.tidy()}

    return {"record.tidy": tidy}
