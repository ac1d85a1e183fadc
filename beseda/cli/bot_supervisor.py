"""The bots of a process, each on its own: one that Telegram keeps waiting holds up none of the others."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Sequence

from beseda.app import App
from beseda.app_bots import Assignment, RunningBot
from beseda.app_tasks import keep_schedule, register_tasks
from beseda.asgi import Web
from beseda.bots.catalog import Catalog
from beseda.cli.run_options import RunOptions, name_variable
from beseda.core import metrics
from beseda.core.errors import BesedaError, SettingsError, TelegramRefusedError, TelegramUnauthorizedError
from beseda.core.logs import log_context
from beseda.core.tasks import end_tasks
from beseda.speech.base import Transcriber

log = logging.getLogger(__name__)

_GRACE = 4.0  # seconds that jobs under way get at the end, as answers do
_PATIENCE = 5.0  # seconds that the announcement waits for the slower ones


class BotSupervisor:
    """Starts bots concurrently, keeps them running, and lets them finish their current work when they stop."""

    def __init__(self, options: RunOptions, app: App, web: Web) -> None:
        self._options = options
        self._app = app
        self._web = web
        self._open: list[RunningBot] = []
        self._up: list[str] = []
        self._problems: list[str] = []
        self._first = asyncio.Event()
        self._all = asyncio.Event()

    async def run(self, announce: Callable[[Sequence[str]], None]) -> None:
        """Work until cancelled. `announce` is called once, with the names of the bots that are running by then.

        Raises SettingsError if Telegram accepts none of the tokens, or rejects the address for webhooks.
        """
        # A task may be about a bot that runs in another process.
        self._app.features.meetings.adopt(await asyncio.to_thread(Catalog([self._options.settings.bots_dir]).diaries))
        register_tasks(self._app)
        # Made after the last step that waits: a coroutine that is never awaited is a warning at the end.
        jobs = [self._live(assignment) for assignment in self._options.assignments]
        if self._options.keeps_schedule:
            jobs.append(keep_schedule(self._app))
        jobs += [self._announce(announce), check_speech(self._app.engine.media.transcriber)]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            await asyncio.gather(*tasks)
        finally:
            await end_tasks(tasks)

    async def close(self) -> None:
        """Wait a limited time for running answers. Updates that arrive from now on are stored for other processes or
        the next start.

        Jobs finish in the meantime or return to the queue, so that answers and jobs share one deadline.
        """
        await asyncio.gather(self._app.engine.jobs.close(within=_GRACE), *(bot.close() for bot in self._open))

    async def _live(self, assignment: Assignment) -> None:
        with log_context(bot=assignment.profile.name):
            try:
                bot = await RunningBot.open(assignment, self._app)
            except TelegramUnauthorizedError:
                self._leave_out(assignment)
                return
            self._open.append(bot)
            self._web.runners[bot.name] = bot.runner
            webhook = self._options.webhook
            try:
                await bot.prepare(webhook)
            except TelegramRefusedError as error:
                address = webhook.public_url if webhook else ""
                raise SettingsError(f"BESEDA_PUBLIC_URL: Telegram does not take {address} ({error.detail})") from error
            self._up.append(bot.name)
            self._first.set()
            self._count()
            # Neither ends by itself: what one raises is a bug, and ends the program.
            with metrics.watch_events_in_flight(bot.name, lambda: bot.runner.pending):
                async with asyncio.TaskGroup() as group:
                    group.create_task(bot.keep())
                    if webhook is None:
                        group.create_task(bot.poll())

    def _leave_out(self, assignment: Assignment) -> None:
        name = assignment.profile.name
        problem = (
            f"Telegram does not know the token of the bot {name!r}: "
            f"copy it again from @BotFather into {name_variable(name)} (or BOT_TOKEN)"
        )
        self._problems.append(problem)
        if len(self._problems) == len(self._options.assignments):
            raise SettingsError("\n".join(self._problems))
        log.error("%s", problem)
        self._count()

    def _count(self) -> None:
        if len(self._up) + len(self._problems) == len(self._options.assignments):
            self._all.set()

    async def _announce(self, announce: Callable[[Sequence[str]], None]) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all.wait(), _PATIENCE)
        await self._first.wait()
        announce(sorted(self._up))
        gc.collect()
        gc.freeze()  # what is loaded now stays: collections need not walk over it again


async def check_speech(transcriber: Transcriber) -> None:
    """Check the speech recogniser once, so that a model with an announced shutdown is logged."""
    with contextlib.suppress(BesedaError, TimeoutError):
        await asyncio.wait_for(transcriber.check(), _PATIENCE)
