"""The life of a serving process: the web comes up, the bots join; everything ends in the reverse order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from beseda.api.monitoring import MonitoringSources
from beseda.app import App, open_app
from beseda.app_settings import llm_settings
from beseda.asgi import Web, build_api_services
from beseda.cli.bot_supervisor import BotSupervisor
from beseda.cli.output import print_start_line
from beseda.cli.run_options import RunOptions
from beseda.cli.settings import explain_port, open_storage
from beseda.config import Settings
from beseda.config.dotenv_file import write_dotenv
from beseda.config.reader import DEFAULT_DOTENV
from beseda.console.sandbox_panel import app as panel
from beseda.console.sandbox_panel.app import HostPanel
from beseda.core.errors import SettingsError
from beseda.core.serving import Listener, serve_app
from beseda.engine.bot import Access, BotProfile
from beseda.http.endpoints import CHAT_ENDPOINTS
from beseda.llm.connector import ModelConnector
from beseda.llm.demo import DEMO_NAME
from beseda.web.dependencies import BotList
from botapi_sandbox import BotAccount, Sandbox, SandboxSettings

WORKER_PORT = 8091
"""Port of a worker's or scheduler's `/metrics` unless --port says otherwise."""


async def serve(options: RunOptions) -> None:
    """Run bots and web until cancelled. Raises SettingsError and StorageError if it cannot start."""
    settings = options.settings
    open_storage(settings)
    async with AsyncExitStack() as stack:
        # First of all: a port that is taken ends the process before a database is migrated.
        listener = listen(settings, stack)
        sandbox = _make_sandbox(options) if options.in_sandbox else None
        if sandbox is not None:
            # Its bots have tokens and an address that no worker knows: their jobs run here.
            settings = settings.model_copy(update={"telegram_api_url": listener.address, "celery_broker_url": None})
        app = await stack.enter_async_context(open_app(settings))
        secret = options.webhook.secret if options.webhook else ""
        checks = app.list_checks()
        sources = MonitoringSources.of(app.services)
        web = Web(checks, sandbox=sandbox, secret=secret, hosts=settings.list_hosts(), sources=sources)
        if sandbox is not None:
            cards = [(_sandbox_username(item.profile), item.profile) for item in options.assignments]
            store = partial(write_dotenv, DEFAULT_DOTENV)
            connector = ModelConnector(app.engine.models, llm_settings(settings), app.engine.clock, store)
            web.add_panel(HostPanel(connector, cards))
        slots = () if settings.celery_broker_url else working_slots(settings)
        app.join(options.role, slots=slots, keeps_schedule=options.keeps_schedule)
        if options.with_api:
            bots = BotList([item.profile for item in options.assignments], web.runners.keys)
            web.add_api(build_api_services(app, checks, bots))
        await stack.enter_async_context(serve_app(web.app, listener))
        if sandbox is not None:
            # Before the server stops, which waits for long polls and event streams.
            stack.push_async_callback(sandbox.close)
        supervisor = BotSupervisor(options, app, web)
        # Last in, first out: answers are finished while everything that they need is still open.
        stack.push_async_callback(supervisor.close)
        await supervisor.run(lambda names: _announce(options, names, app, listener.address))


def listen(settings: Settings, stack: AsyncExitStack) -> Listener:
    """Return the web's socket, bound until the stack is closed. Raises SettingsError if it cannot be bound."""
    try:
        listener = Listener(settings.host, settings.port)
    except OSError as error:
        raise SettingsError(explain_port(settings.host, settings.port, error)) from error
    stack.callback(listener.close)
    return listener


def working_slots(settings: Settings) -> Sequence[str]:
    """Return the kinds of job that a process with these settings executes; empty if it executes none."""
    return [slot for slot, width in settings.slots().items() if width]


@asynccontextmanager
async def serve_monitoring(app: App, port: int | None) -> AsyncIterator[str]:
    """Serve `/health`, `/ready` and `/metrics` of a process without a web; yield the address.

    Several workers can share a machine: if `port` is not given and the default port is taken, a free port is used.
    """
    settings = app.settings
    async with AsyncExitStack() as stack:
        try:
            listener = listen(settings.model_copy(update={"port": WORKER_PORT if port is None else port}), stack)
        except SettingsError:
            if port is not None:
                raise
            listener = listen(settings.model_copy(update={"port": 0}), stack)
        sources = MonitoringSources.of(app.services)
        web = Web(app.list_checks(), hosts=settings.list_hosts(), sources=sources)
        await stack.enter_async_context(serve_app(web.app, listener))
        yield listener.address


def _make_sandbox(options: RunOptions) -> Sandbox:
    language = options.settings.language
    accounts = tuple(
        BotAccount(
            item.token,
            _sandbox_username(item.profile),
            item.profile.title.say(language),
            names=item.profile.title.by_language(),
        )
        for item in options.assignments
    )
    folder = options.settings.storage_dir / "sandbox"
    return Sandbox(SandboxSettings(accounts, folder, title="Beseda", panel=panel.SCRIPT, keeps_chats=True))


def _sandbox_username(profile: BotProfile) -> str:
    return f"{profile.name.replace('-', '_')}_bot"


def _announce(options: RunOptions, names: Sequence[str], app: App, address: str) -> None:
    model = app.engine.models.program.name
    place = (
        f"Talk to it here: {address}/sandbox" if options.in_sandbox else f"Serving Telegram; health at {address}/health"
    )
    lines = [place, f"Beseda is up: {', '.join(names)}, answering with {model}"]
    if model == DEMO_NAME:
        lines.append(explain_demo(in_sandbox=options.in_sandbox))
    for line in [*lines, *describe_access(options)]:
        print_start_line(options.settings, line)


def describe_access(options: RunOptions) -> list[str]:
    """Return the lines that show the owner which bots answer strangers, at the owner's expense."""
    opened = sorted(item.profile.name for item in options.assignments if item.profile.access is Access.EVERYONE)
    if options.settings.admin_ids and opened:
        return [f"ADMIN_IDS does not close {', '.join(opened)}: bot.yaml has `access: everyone`"]
    if options.settings.admin_ids or options.in_sandbox:
        return []
    return ["The bots answer everyone who finds them: set ADMIN_IDS to your Telegram id to close them"]


def explain_demo(*, in_sandbox: bool = False) -> str:
    """Return instructions for connecting a model in place of the demo."""
    way = "Press “Connect a model” on the page" if in_sandbox else f"Set {CHAT_ENDPOINTS[0].key_variable}"
    return f"No model is connected: the demo answers. {way}, or start a model server here"
