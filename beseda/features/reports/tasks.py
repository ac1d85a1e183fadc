"""`report.build` {report_id} and `report.tidy`: reports are built in the background, and kept for thirty days."""

from collections.abc import Mapping
from datetime import time, timedelta

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.features.reports.service import ReportService

SCHEDULE = (Scheduled("report.tidy", every=timedelta(days=1), at=time(3, 0), slot="light"),)


def tasks(reports: ReportService) -> Mapping[str, JobHandler]:
    """Return the handlers that build reports and delete old ones."""

    async def build(job: Job, control: JobControl) -> Mapping[str, object]:
        report = await reports.build(int(str(job.request.payload["report_id"])), control)
        return {"size": report.size if report else 0}

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"reports": await reports.tidy()}

    return {"report.build": build, "report.tidy": tidy}
