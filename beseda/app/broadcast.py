"""The broadcasts of a process, as the settings have them."""

from beseda.app.repositories import Repositories
from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.engine.jobs.base import JobQueue
from beseda.features.broadcasts.mailing import MailingRules
from beseda.features.broadcasts.model import BroadcastPlan, StopRule, read_quiet_hours
from beseda.features.broadcasts.service import BroadcastParts, BroadcastService


def build_broadcasts(settings: Settings, record: Repositories, jobs: JobQueue, clock: Clock) -> BroadcastService:
    """Return the service of broadcasts."""
    parts = BroadcastParts(
        store=record.broadcasts,
        subscriptions=record.subscriptions,
        jobs=jobs,
        clock=clock,
        admins=settings.admin_ids,
        plan=BroadcastPlan(rate=settings.broadcast_rate, quiet=read_quiet_hours(settings.broadcast_quiet)),
        rules=MailingRules(stop=StopRule(share=settings.broadcast_blocks / 100)),
    )
    return BroadcastService(parts)
