"""Background tasks: the handlers of all kinds of job that belong to no single bot, and the schedule."""

from collections.abc import Sequence
from functools import partial

from beseda.app import App
from beseda.engine import housekeeping
from beseda.engine.conversations import tasks as conversation_tasks
from beseda.engine.housekeeping import Housekeeping
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.jobs.schedule import Scheduled, Scheduler
from beseda.engine.usage import tasks as usage_tasks
from beseda.engine.usage.budgeted import BotModels
from beseda.features.analytics import tasks as analytics_tasks
from beseda.features.broadcasts import tasks as broadcast_tasks
from beseda.features.meetings import tasks as meeting_tasks
from beseda.features.meetings.briefing import BriefingService, BriefingSources
from beseda.features.meetings.repository import MeetingRepository
from beseda.features.reports import tasks as report_tasks
from beseda.features.webhooks import tasks as webhook_tasks
from beseda.web import idempotency
from beseda.web.idempotency import IdempotencyRepository

SCHEDULE: Sequence[Scheduled] = (
    *analytics_tasks.SCHEDULE,
    *broadcast_tasks.SCHEDULE,
    *idempotency.SCHEDULE,
    *meeting_tasks.SCHEDULE,
    *housekeeping.SCHEDULE,
    *report_tasks.SCHEDULE,
    *usage_tasks.SCHEDULE,
    *webhook_tasks.SCHEDULE,
)


def register_tasks(app: App) -> None:
    """Register every task with the queue of the app. Raises ValueError if one is registered already."""
    engine, features, settings = app.engine, app.features, app.settings
    database, clock = engine.database, engine.clock
    models_of = partial(BotModels, engine.models, engine.budgets)
    meetings = MeetingRepository(database, clock, settings.admin_ids)
    sources = BriefingSources(features.meetings, meetings, features.leads, engine.conversations)
    briefing = BriefingService(sources, clock)
    stored_jobs = JobRepository(database, clock, shared=True)
    keeper = Housekeeping(engine.updates, stored_jobs, engine.files, clock, keep_days=settings.keep_days)
    for handlers in (
        analytics_tasks.tasks(features.analytics),
        broadcast_tasks.tasks(features.broadcasts),
        conversation_tasks.tasks(engine.summaries, models_of, engine.usage),
        housekeeping.tasks(keeper),
        idempotency.tasks(IdempotencyRepository(database, clock), clock),
        meeting_tasks.tasks(features.meetings, briefing, models_of, engine.usage, settings.language),
        report_tasks.tasks(features.reports),
        usage_tasks.tasks(engine.budgets),
        webhook_tasks.tasks(features.webhooks),
    ):
        for kind, handler in handlers.items():
            engine.jobs.register(kind, handler)


async def keep_schedule(app: App) -> None:
    """Enqueue scheduled jobs until cancelled."""
    await Scheduler(app.engine.jobs, SCHEDULE, app.engine.clock).run()
