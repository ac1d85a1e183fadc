"""`answer.tidy` every hour: stored API answers are deleted once their idempotency keys have expired."""

from collections.abc import Mapping
from datetime import timedelta

from beseda.core.clock import Clock
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.web.idempotency_record import KEPT
from beseda.web.idempotency_repository import KeptAnswerRepository

SCHEDULE = (Scheduled("answer.tidy", every=timedelta(hours=1), slot="light"),)


def tasks(answers: KeptAnswerRepository, clock: Clock) -> Mapping[str, JobHandler]:
    """Return the handler that deletes expired answers."""

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"answers": await answers.purge(clock.now() - KEPT)}

    return {"answer.tidy": tidy}
