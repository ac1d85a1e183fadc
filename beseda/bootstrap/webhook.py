"""Who is told of events."""

from contextlib import AsyncExitStack

from beseda.bootstrap.record import Record
from beseda.config import Settings
from beseda.hooks.http import HttpSender
from beseda.jobs.base import JobQueue
from beseda.kit.clock import Clock
from beseda.services.webhook import WebhookService


def build_webhooks(
    settings: Settings, record: Record, jobs: JobQueue, clock: Clock, stack: AsyncExitStack
) -> WebhookService:
    """Return what tells others' servers of events."""
    sender = HttpSender(allow_private=settings.webhooks_allow_private)
    webhooks = WebhookService(record.webhooks, sender, jobs, clock, secret=settings.events_secret)
    webhooks.keep_old_secret(settings.events_secret_old)
    stack.push_async_callback(webhooks.close)
    return webhooks
