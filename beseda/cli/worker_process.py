"""The life of a worker: services for the bots with a token here, tasks, and the consumer of jobs."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

from beseda.app import App, open_app
from beseda.app_bots import Assignment, WorkerBot
from beseda.app_tasks import keep_schedule, register_tasks
from beseda.bots.catalog import Catalog
from beseda.cli.output import print_start_line
from beseda.cli.process import explain_demo, serve_monitoring, working_slots
from beseda.cli.run_options import find_tokens
from beseda.cli.settings import open_storage
from beseda.config import Settings
from beseda.core.errors import TelegramUnauthorizedError
from beseda.llm.demo import DEMO_NAME

log = logging.getLogger(__name__)

_GRACE = 10.0  # seconds that running jobs of a worker get at its end


async def work(settings: Settings, *, with_beat: bool, port: int | None = None) -> None:
    """Work until cancelled. Running jobs may then finish within the grace period, or return to the queue.

    Raises SettingsError and StorageError if it cannot start.
    """
    open_storage(settings)
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings))
        address = await stack.enter_async_context(serve_monitoring(app, port))
        app.join("worker", slots=working_slots(settings), keeps_schedule=with_beat)
        assignments = await asyncio.to_thread(_list_assignments, settings)
        catalog = Catalog([settings.bots_dir])
        app.features.meetings.adopt(await asyncio.to_thread(catalog.diaries))
        app.features.reports.adopt(await asyncio.to_thread(catalog.slot_titles))
        # Before the consumer begins: only kinds with a handler are claimed.
        register_tasks(app)
        async with asyncio.TaskGroup() as group:
            # A bot waits for Telegram while it is away; the others work meanwhile.
            for assignment in assignments:
                group.create_task(_open_bot(assignment, app, stack))
            if with_beat:
                group.create_task(keep_schedule(app))
            _announce(settings, assignments, address)
            if app.engine.models.program.name == DEMO_NAME:
                log.warning("%s", explain_demo())
            await _take_jobs(app)


def _list_assignments(settings: Settings) -> Sequence[Assignment]:
    catalog = Catalog([settings.bots_dir])
    tokens = find_tokens(settings, catalog)
    names = [name for name in dict.fromkeys(settings.bots) or tokens if name in tokens]
    return [
        Assignment(catalog.load(name), catalog.router(name), tokens[name], name if len(names) > 1 else "")
        for name in names
    ]


async def _open_bot(assignment: Assignment, app: App, stack: AsyncExitStack) -> None:
    try:
        bot = await WorkerBot.open(assignment, app)
    except TelegramUnauthorizedError:
        log.warning(
            "Telegram does not know the token of the bot %r: its jobs are left to others", assignment.profile.name
        )
        return
    stack.push_async_callback(bot.close)


def _announce(settings: Settings, assignments: Sequence[Assignment], address: str) -> None:
    slots = ", ".join(f"{name} {width}" for name, width in settings.slots().items() if width)
    bots = ", ".join(item.profile.name for item in assignments) or "no bot (none has a token here)"
    source = "a broker" if settings.celery_broker_url else "the database"
    print_start_line(
        settings, f"Beseda's worker is up: {slots}; for {bots}; jobs from {source}; metrics at {address}/metrics"
    )


async def _take_jobs(app: App) -> None:
    """Work until cancelled. Jobs then end before their resources are closed."""
    url = app.settings.celery_broker_url
    try:
        if url is None:
            await asyncio.Event().wait()  # the queue itself takes jobs, and has begun
        else:
            await _consume(app, url)
    finally:
        await app.engine.jobs.close(within=_GRACE)


async def _consume(app: App, url: str) -> None:
    from beseda.engine.jobs.celery import CeleryJobs
    from beseda.engine.jobs.celery_worker import CeleryWorker

    assert isinstance(app.engine.jobs, CeleryJobs)  # noqa: S101 - as the app builds it for these settings
    worker = CeleryWorker(app.engine.jobs.runner, url, app.engine.jobs.slots)
    try:
        await worker.run()
    finally:
        await app.engine.jobs.close(within=_GRACE)
        await worker.close()
