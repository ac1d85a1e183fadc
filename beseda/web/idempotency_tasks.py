"""`answer.tidy` every hour: stored API answers are deleted once their idempotency keys have expired."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.web.idempotency_record import KEPT

if TYPE_CHECKING:
    from beseda.app.container import Container

SCHEDULE = (Scheduled("answer.tidy", every=timedelta(hours=1), slot="light"),)


def tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handler that deletes expired answers."""

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"answers": await container.record.kept_answers.purge(container.clock.now() - KEPT)}

    return {"answer.tidy": tidy}
