"""`webhook.deliver`: events are sent to their subscribers; `webhook.tidy`: old deliveries are deleted."""

from collections.abc import Mapping
from datetime import time, timedelta

from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.features.webhooks.service import DELIVER, SLOT, WebhookService

_KEEP = timedelta(days=30)

SCHEDULE = (
    # A ring follows each event at once: this finds what nobody rang for, and what waits to be tried again.
    Scheduled(DELIVER, every=timedelta(seconds=15), slot=SLOT, alone=True),
    Scheduled("webhook.tidy", every=timedelta(days=1), slot=SLOT, at=time(3, 20)),
)


def tasks(webhooks: WebhookService) -> Mapping[str, JobHandler]:
    """Return the handlers that send events and delete old deliveries."""

    async def deliver(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"tried": await webhooks.deliver()}

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"deleted": await webhooks.tidy(_KEEP)}

    return {DELIVER: deliver, "webhook.tidy": tidy}
