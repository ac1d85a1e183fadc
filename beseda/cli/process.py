"""The life of a serving process: the web comes up, the bots join, a signal ends both in order."""

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import typer

from beseda.asgi import Web
from beseda.bootstrap import Container, open_container
from beseda.bots.catalog import Catalog
from beseda.config import Settings
from beseda.dispatch.launch import Assignment, RunningBot, Webhook
from beseda.domain.bot import BotProfile
from beseda.errors import SettingsError, TelegramUnauthorizedError
from beseda.kit.serving import Listener, serve_app
from beseda.sandbox.app import Sandbox, create_sandbox
from beseda.sandbox.settings import BotAccount, SandboxSettings
from beseda.services.housekeeping import Housekeeping

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process is going to run: which bots with which tokens, and whether in a sandbox of its own."""

    settings: Settings
    assignments: Sequence[Assignment]
    in_sandbox: bool

    @classmethod
    def of(cls, settings: Settings, *, sandbox: bool | None) -> "Plan":
        """Decide from settings and the `--sandbox` flag. Raises SettingsError with what is missing."""
        catalog = Catalog([settings.bots_dir])
        tokens = {name: token for name in catalog.names() if (token := settings.bot_token(name))}
        in_sandbox = not tokens if sandbox is None else sandbox
        names = list(settings.bots) or (catalog.names() if in_sandbox else list(tokens))
        if in_sandbox:
            tokens = {name: _sandbox_token(number) for number, name in enumerate(names, 1)}
        if missing := [name for name in names if name not in tokens] or (not names and ["assistant"]):
            raise SettingsError(f"{_ask_for_token(missing[0])}; or leave out --no-sandbox to talk without one")
        _refuse_shared_tokens(tokens, names)
        spaces = {name: name if len(names) > 1 else "" for name in names}
        assignments = [
            Assignment(catalog.load(name), catalog.router(name), tokens[name], spaces[name]) for name in names
        ]
        return cls(settings, assignments, in_sandbox)


def _ask_for_token(name: str) -> str:
    variable = f"{name.upper().replace('-', '_')}_BOT_TOKEN"
    return f"the bot {name!r} has no token: set {variable} (or BOT_TOKEN) to the one from @BotFather"


def _refuse_shared_tokens(tokens: dict[str, str], names: Sequence[str]) -> None:
    owners: dict[str, str] = {}
    for name in names:
        if other := owners.get(tokens[name]):
            raise SettingsError(f"the bots {other!r} and {name!r} have the same token: each needs its own")
        owners[tokens[name]] = name


def _sandbox_token(number: int) -> str:
    return f"{7_100_000_000 + number}:{secrets.token_urlsafe(26)}"


async def serve(plan: Plan) -> None:
    """Run a plan until a signal comes. Raises SettingsError and StorageError where it cannot begin."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(_signals(stop))
        listener = _listen(plan.settings, stack)
        sandbox = _make_sandbox(plan) if plan.in_sandbox else None
        settings = plan.settings
        if sandbox is not None:
            settings = settings.model_copy(update={"telegram_api_url": listener.address})
        container = await stack.enter_async_context(open_container(settings))
        web = Web({"database": container.check_database}, sandbox=sandbox, secret=settings.webhook_secret or "")
        await stack.enter_async_context(serve_app(web.app, listener))
        if sandbox is not None:
            stack.push_async_callback(sandbox.close)
        bots = await _open_bots(plan.assignments, container, web, stack)
        _announce(plan, container, listener.address)
        gc.collect()
        gc.freeze()  # what is loaded now stays: collections need not walk over it again
        await _work(bots, container, stop)


def _listen(settings: Settings, stack: AsyncExitStack) -> Listener:
    try:
        listener = Listener(settings.host, settings.port)
    except OSError as error:
        raise SettingsError(
            f"port {settings.port} of {settings.host} cannot be opened ({error.strerror}): choose another with --port"
        ) from error
    stack.callback(listener.close)
    return listener


async def _open_bots(
    assignments: Sequence[Assignment], container: Container, web: Web, stack: AsyncExitStack
) -> list[RunningBot]:
    webhook = _webhook(container.settings)
    bots = []
    for assignment in assignments:
        try:
            bot = await RunningBot.open(assignment, container)
        except TelegramUnauthorizedError as error:
            raise SettingsError(f"Telegram does not know the token of {assignment.profile.name!r}") from error
        stack.push_async_callback(bot.close)
        web.runners[bot.name] = bot.runner
        await bot.prepare(webhook)
        bots.append(bot)
    return bots


async def _work(bots: Sequence[RunningBot], container: Container, stop: asyncio.Event) -> None:
    jobs = [bot.sweep() for bot in bots]
    if _webhook(container.settings) is None:
        jobs += [bot.poll() for bot in bots]
    jobs.append(Housekeeping(container.record.updates, container.clock).run())
    tasks = [asyncio.create_task(job) for job in jobs]
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()  # none of them ends by itself: what it raised is a bug, and ends the program
    finally:
        for task in [*tasks, stopping]:
            task.cancel()
        await asyncio.wait([*tasks, stopping])


def _webhook(settings: Settings) -> Webhook | None:
    if not settings.public_url or not settings.webhook_secret:
        return None
    return Webhook(settings.public_url, settings.webhook_secret)


def _make_sandbox(plan: Plan) -> Sandbox:
    language = plan.settings.language
    accounts = tuple(
        BotAccount(item.token, _sandbox_username(item.profile), item.profile.title.say(language))
        for item in plan.assignments
    )
    return create_sandbox(SandboxSettings(accounts, Path(plan.settings.storage_dir) / "sandbox"))


def _sandbox_username(profile: BotProfile) -> str:
    return f"{profile.name.replace('-', '_')}_bot"


def _announce(plan: Plan, container: Container, address: str) -> None:
    names = ", ".join(item.profile.name for item in plan.assignments)
    typer.echo(f"Beseda is up: {names}, answering with {container.model.name}")
    if plan.in_sandbox:
        typer.echo(f"Talk to it here: {address}/sandbox")
    else:
        typer.echo(f"Serving Telegram; health at {address}/health")


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    kinds = (signal.SIGINT, signal.SIGTERM)
    for kind in kinds:
        loop.add_signal_handler(kind, stop.set)
    try:
        yield
    finally:
        for kind in kinds:
            loop.remove_signal_handler(kind)
