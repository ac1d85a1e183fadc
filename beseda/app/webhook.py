"""The service of webhooks."""

from contextlib import AsyncExitStack

from beseda.app.repositories import Repositories
from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.engine.jobs.base import JobQueue
from beseda.features.webhooks.http import HttpSender
from beseda.features.webhooks.keys import EventSecrets
from beseda.features.webhooks.service import WebhookService


def build_webhooks(
    settings: Settings, record: Repositories, jobs: JobQueue, clock: Clock, stack: AsyncExitStack
) -> WebhookService:
    """Return the service that delivers events to the servers of others."""
    sender = HttpSender(allow_private=settings.webhooks_allow_private)
    secrets = EventSecrets(settings.events_secret, settings.events_secret_old)
    webhooks = WebhookService(record.webhooks, sender, jobs, clock, secrets=secrets)
    stack.push_async_callback(webhooks.close)
    return webhooks
