"""Bringing one bot to work: from its profile and token to a runner, introduced to Telegram."""

import asyncio
import functools
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

from beseda.app import App
from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import StorageError, TelegramError, TelegramRefusedError, TelegramUnauthorizedError
from beseda.core.services import Services
from beseda.core.tasks import end_tasks
from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.bot import BotProfile, Limits
from beseda.engine.bot_accounts import BotAccountRepository
from beseda.engine.context import BotHandlers, BotOptions, BotServices
from beseda.engine.conversations.memory import ConversationMemory
from beseda.engine.flood_waits.repository import FloodWait, FloodWaitRepository
from beseda.engine.handlers.start import describe
from beseda.engine.incoming import WANTED, Identity
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.tracker import JobTracker
from beseda.engine.joining import Joiner
from beseda.engine.menu import Face, MenuBook
from beseda.engine.modes import JobKind
from beseda.engine.polling import Poller
from beseda.engine.router import Router
from beseda.engine.runner import BotRunner
from beseda.engine.shards.leases import AllShards, LeaseTimes, ShardLeases, ShardOwnership
from beseda.engine.shards.repository import ShardLeaseRepository
from beseda.engine.turns.delivery import Delivery
from beseda.engine.turns.fenced import FencedTurnRepository
from beseda.engine.turns.parallel_answers import ParallelAnswers
from beseda.engine.turns.sent_messages import SentMessageRepository
from beseda.engine.turns.service import ChatParts, ChatService
from beseda.engine.updates.model import partition_of
from beseda.engine.usage.budget_service import BudgetService, Payer, paying
from beseda.engine.usage.budgeted import BotModels
from beseda.engine.webhook_watch import WebhookWatch
from beseda.features.broadcasts import service as broadcast
from beseda.features.broadcasts.mailing import Post
from beseda.features.broadcasts.sent_messages import BROADCAST_MESSAGES, end_broadcasts
from beseda.features.leads.repository import find_lead_id
from beseda.features.meetings.model import Diary
from beseda.features.minutes import DocumentService
from beseda.features.sales.repository import SalesRepository
from beseda.features.sales.service import SalesParts
from beseda.locales import FALLBACK, languages
from beseda.telegram.base import FloodNote, Target
from beseda.telegram.client import BotApi
from beseda.telegram.lookup import SendLookup
from beseda.telegram.mailer import Mailer
from beseda.telegram.messenger import TelegramMessenger
from beseda.telegram.pacing import Pacer
from beseda.telegram.sending import Guard

log = logging.getLogger(__name__)

# Seconds of the end of a bot, less than 9 in all: then the process ends (`beseda.cli.settings`).
_GRACE = 4.0  # for answers to end by themselves
_TIDY = 3.5  # for what was cancelled: a message under way is waited for, and recorded
_LEAVE = 0.75  # for handing the chats over
_RECORDS = 0.5  # for what was sent and is not recorded yet


@dataclass(frozen=True, slots=True)
class Assignment:
    """A bot that is to run. `namespace` keeps its keys apart if several bots share one Redis."""

    profile: BotProfile
    router: Router
    token: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """The public address to which Telegram sends updates, and the secret that it repeats."""

    public_url: str
    secret: str


class RunningBot:
    """A bot that runs in this process. Open it, let it `run`, close it."""

    def __init__(self, runner: BotRunner, clock: Clock, leases: ShardLeases | None = None) -> None:
        self.runner = runner
        self._clock = clock
        self._leases = leases
        self._keeping: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The bot's name, as its folder has it."""
        return self.runner.bot.profile.name

    @classmethod
    async def open(cls, assignment: Assignment, app: App) -> "RunningBot":
        """Fetch the bot's account from Telegram and build its services. Retry while Telegram is unavailable.

        Raise TelegramUnauthorizedError if the token is wrong.
        """
        api = BotApi(assignment.token, server=app.settings.telegram_api_url)
        lease = LeaseTimes(app.settings.lease)
        shards = ShardLeaseRepository(app.engine.database, app.engine.clock)
        leases = ShardLeases(assignment.profile.name, shards, app.engine.ephemeral.bus, lease)
        try:
            me = await _introduce(api, assignment.profile.name, app.engine.clock)
            accounts = BotAccountRepository(app.engine.database, app.engine.clock, [end_broadcasts])
            await _claim_account(accounts, me)
            bot, router = await _put_together(assignment, app, _Parts(api, me, leases))
            for preparation in router.preparations:
                await preparation(bot)
        except BaseException:
            await api.close()
            raise
        _take_jobs(bot, app)
        has_modes = bool(router.modes)
        joiner = Joiner(albums=not has_modes, bursts=not has_modes)
        runner = BotRunner(bot, router, joiner, leases, app.engine.quarantine)
        return cls(runner, app.engine.clock, leases)

    async def prepare(self, webhook: Webhook | None) -> None:
        """Recover the updates that a crash left, set the commands menu, and choose between polling and webhook.

        Raise StorageError if the database is unavailable.
        """
        if self._leases is not None:
            await self._leases.join(self.runner)
            self._keeping = asyncio.create_task(self._leases.run(), name=f"territory-{self.name}")
        await self._set_menu()
        await self._set_delivery(webhook)
        if webhook is not None:
            watch = WebhookWatch(self.runner.bot.api, self.name, self._describe_webhook(webhook), self._clock)
            self._watching = asyncio.create_task(watch.run(), name=f"webhook-{self.name}")

    async def poll(self) -> None:
        """Fetch updates until cancelled."""
        await Poller(self.runner, self._clock).run()

    async def keep(self) -> None:
        """Share the bot's chats with other replicas and recover unfinished updates, until cancelled. `prepare` starts
        this.
        """
        if self._keeping is not None:
            await asyncio.shield(self._keeping)

    async def close(self, *, within: float = _GRACE) -> None:
        """Let running answers end for `within` seconds, then cancel them: other replicas, or the next start, continue
        them.

        With Telegram and the database unavailable this takes at most 5 seconds longer.

        Updates that arrive meanwhile are stored and left to other replicas or the next start as well.
        """
        if self._leases is not None:
            await self._leases.begin_to_leave()
        await self.runner.drain(within=within)
        if self._leases is not None:
            self._leases.stop_waiting()
        await self.runner.close(within=_TIDY)
        await self.runner.bot.jobs.close()
        await end_tasks([task for task in (self._keeping, self._watching) if task is not None])
        self._keeping = self._watching = None
        if self._leases is not None:
            await self._leases.leave(within=_LEAVE)
        await self.runner.bot.delivery.close(within=_RECORDS)
        await self.runner.bot.api.close()

    async def _set_menu(self) -> None:
        profile = self.runner.bot.profile
        # The list without a language is for everyone whose language has none. Telegram takes two-letter codes only.
        codes = {FALLBACK: None} | {one: one for one in languages() if one != FALLBACK and len(one) == 2}
        for language, code in codes.items():
            commands = [
                {"command": name, "description": describe(profile, name).say(language)} for name in profile.commands
            ]
            await self._try("setMyCommands", commands=commands, language_code=code)

    async def _set_delivery(self, webhook: Webhook | None) -> None:
        if webhook is None:
            await self._try("deleteWebhook", drop_pending_updates=False)  # the poller does it again where it must
            return
        await _insist(self.runner.bot.api, self._clock, "setWebhook", **self._describe_webhook(webhook))

    def _describe_webhook(self, webhook: Webhook) -> dict[str, Any]:
        return {
            "url": f"{webhook.public_url.rstrip('/')}/telegram/{self.name}",
            "secret_token": webhook.secret,
            "allowed_updates": WANTED,
            "max_connections": 100,
        }

    async def _try(self, method: str, **params: Any) -> None:
        try:
            await self.runner.bot.api.call(method, **params)
        except TelegramError as error:
            log.warning("%s: %s", self.name, error.detail)


class WorkerBot:
    """The services of one bot in a worker: its jobs run there, but it receives no updates and sends no answers."""

    def __init__(self, bot: BotServices) -> None:
        self._bot = bot

    @classmethod
    async def open(cls, assignment: Assignment, app: App) -> "WorkerBot":
        """Build a bot's services and register its kinds of job with the queue. Retry while Telegram is unavailable.

        Raise TelegramUnauthorizedError if the token is wrong.
        """
        api = BotApi(assignment.token, server=app.settings.telegram_api_url)
        try:
            me = await _introduce(api, assignment.profile.name, app.engine.clock)
            bot, _ = await _put_together(assignment, app, _Parts(api, me, AllShards()))
            _register_work(bot, app)
        except BaseException:
            await api.close()
            raise
        return cls(bot)

    async def close(self) -> None:
        """Give back connections; its jobs are over by then."""
        await self._bot.delivery.close()
        await self._bot.api.close()


def _list_kinds(router: Router) -> dict[str, JobKind]:
    return {name: kind for mode in router.modes.values() for name, kind in mode.jobs.items()}


def _open_menus(profile: BotProfile, router: Router) -> MenuBook:
    modes = router.modes
    faces = {name: Face(mode.button, [action.label for action in mode.actions]) for name, mode in modes.items()}
    return MenuBook(profile.menu, faces)


def _take_jobs(bot: BotServices, app: App) -> None:
    """Register the bot's kinds of job with the queue and subscribe its tracker to their changes."""
    _register_work(bot, app)
    app.engine.jobs.listen(bot.profile.name, functools.partial(bot.jobs.hear, bot))


def _register_work(bot: BotServices, app: App) -> None:
    for name, kind in bot.jobs.kinds.items():
        work = functools.partial(_work_paid, kind, bot, app.engine.budgets)
        app.engine.jobs.register(name, work, bot=bot.profile.name)
    if isinstance(bot.messenger, TelegramMessenger):
        zone = app.engine.budgets.rules_of(bot.profile.name).zone
        post = Post(Mailer(bot.profile.name, bot.messenger.sender), zone, bot.options.language, bot.delivery.records)
        app.engine.jobs.register(broadcast.KIND, app.features.broadcasts.handler(post), bot=bot.profile.name)


async def _work_paid(
    kind: JobKind, bot: BotServices, budgets: BudgetService, job: Job, control: JobControl
) -> Mapping[str, object]:
    """Run a job on the budgets of the person that requested it, and of their group."""
    request = job.request
    chat = request.chat_id or 0
    key = f"job-{job.id}-{job.attempt}"
    with paying(Payer(budgets, bot.profile.name, request.user_id or 0, chat if chat < 0 else None, key)):
        return await kind.work(bot, job, control)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The objects that are made before a bot's services."""

    api: BotApi
    me: Identity
    ownership: ShardOwnership


async def _put_together(assignment: Assignment, app: App, made: _Parts) -> tuple[BotServices, Router]:
    """Build the services of a bot, and its router with the services that the handlers name."""
    profile, settings = assignment.profile, app.settings
    engine, features, clock = app.engine, app.features, app.engine.clock
    rules = engine.budgets.adopt(profile.name, profile.budgets, profile.time_zone)
    profile = replace(profile, time_zone=rules.zone)
    if profile.calendar is not None:
        features.meetings.adopt({profile.name: Diary(profile.calendar, profile.model)})
    features.reports.adopt(profile.slot_titles)
    models = BotModels(engine.models, engine.budgets, profile.name, own=profile.model)
    model = await models.find()  # now, so that what is wrong with it is said at the start
    if model.name != engine.models.program.name:
        log.debug("%s answers with %s", profile.name, model.name)
    messenger = _open_messenger(made, app)
    turns = FencedTurnRepository(engine.database, made.ownership, engine.clock, find_lead_id)
    delivery = Delivery(messenger, turns)
    memory = ConversationMemory(engine.conversations, engine.ephemeral.history, assignment.namespace, engine.summaries)
    parts = ChatParts(models, turns, memory, messenger, delivery, clock)
    services = Services(app.services)
    services.add(ParallelAnswers(profile, parts))
    sales = SalesRepository(engine.database)
    services.add(SalesParts(features.leads, sales, engine.ephemeral.state, models, engine.usage))
    services.add(DocumentService(engine.usage.keep(model, CallPurpose(profile.name, Purpose.DOCUMENT)), clock=clock))
    services.add(app.build_personal_data(assignment.namespace))
    router = assignment.router.bind(services)
    bot = BotServices(
        profile=profile,
        me=made.me,
        api=made.api,
        messenger=messenger,
        delivery=delivery,
        chat=ChatService(profile, parts),
        memory=memory,
        updates=engine.updates,
        turns=turns,
        state=engine.ephemeral.state,
        cache=engine.ephemeral.cache,
        bus=engine.ephemeral.bus,
        files=engine.files,
        jobs=JobTracker(_list_kinds(router), engine.jobs),
        clock=clock,
        options=BotOptions(
            downloads=engine.media.downloads,
            storage=settings.storage_dir,
            admin_ids=settings.admin_ids,
            language=settings.language,
            limited=settings.limits,
            limits=_limits(app),
        ),
        handlers=BotHandlers(
            answerer=router.answerer,
            listener=router.listener,
            menus=_open_menus(profile, router),
            modes=router.modes,
            commands=router.commands,
            corrections=router.corrections,
        ),
    )
    return bot, router


def _limits(app: App) -> Limits:
    settings = app.settings
    return Limits(
        settings.limit_user_minute, settings.limit_user_hour, settings.limit_bot_minute, settings.limit_total_minute
    )


def _guard(ownership: ShardOwnership) -> Guard:
    """Return the guard of calls to Telegram: each begins and ends while the chat is this process's."""

    def hold(chat_id: int) -> AbstractAsyncContextManager[None]:
        return ownership.hold(partition_of(chat_id))

    return hold


def _open_messenger(made: _Parts, app: App) -> TelegramMessenger:
    limited = app.settings.limits
    pacer = Pacer(app.engine.clock, enabled=limited, bot=made.me.id, tokens=app.engine.ephemeral.tokens)
    files = app.settings.storage_dir / "files"
    note = _flood_note(FloodWaitRepository(app.engine.database, app.engine.clock))
    messenger = TelegramMessenger(made.api, pacer, app.engine.clock, note, files)
    messenger.sender.guard = _guard(made.ownership)
    if app.settings.lookup:
        store = SentMessageRepository(app.engine.database, [BROADCAST_MESSAGES])
        messenger.lookup = SendLookup(messenger.sender, store, app.engine.clock)
    return messenger


def _flood_note(store: FloodWaitRepository) -> FloodNote:
    async def note(target: Target, method: str, seconds: float) -> None:
        wait = FloodWait(target.chat.bot, method, seconds, target.chat.chat_id, target.kind)
        try:
            await store.record(wait)
        except StorageError as error:
            log.warning("a flood wait is not stored: %s", error.detail)

    return note


async def _claim_account(accounts: BotAccountRepository, me: Identity) -> None:
    before = await accounts.claim(me.name, me.id)
    if before is not None:
        log.warning(
            "%s has the Telegram account %d now, before it was %d: its unfinished updates are set aside",
            me.name,
            me.id,
            before,
        )


async def _introduce(api: BotApi, name: str, clock: Clock) -> Identity:
    try:
        me = await _insist(api, clock, "getMe")
    except TelegramRefusedError as error:  # what is not even of a token's form is no method's address: 404
        raise TelegramUnauthorizedError(error.method, error.code, error.description) from error
    return Identity(name, int(me["id"]), str(me["username"]))


async def _insist(api: BotApi, clock: Clock, method: str, **params: Any) -> Any:
    """Make a call that the bot cannot begin without, for as long as Telegram is away.

    Raises TelegramUnauthorizedError and TelegramRefusedError: trying again would not help.
    """
    backoff, attempt = Backoff(first=0.5, cap=30.0), 0
    while True:
        try:
            return await api.call(method, **params)
        except (TelegramUnauthorizedError, TelegramRefusedError):
            raise
        except TelegramError as error:
            wait = error.retry_after or backoff.delay(attempt)
            log.warning("Telegram cannot be reached, trying again in %.1f s: %s", wait, error.detail)
            attempt += 1
            await clock.sleep(wait)
