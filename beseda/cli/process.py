"""The life of a serving process: the web comes up, the bots join; at the end they finish what they are at."""

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import typer

from beseda.api.health import Check
from beseda.asgi import Web
from beseda.bootstrap import Container, open_container
from beseda.cli.plan import Plan, name_variable
from beseda.cli.settings import explain_port, open_storage
from beseda.config import Settings
from beseda.dispatch.launch import Assignment, RunningBot, Webhook
from beseda.domain.bot import BotProfile
from beseda.errors import SettingsError, StorageError, TelegramRefusedError, TelegramUnauthorizedError
from beseda.kit.serving import Listener, serve_app
from beseda.sandbox.app import Sandbox, create_sandbox
from beseda.sandbox.settings import BotAccount, SandboxSettings
from beseda.services.housekeeping import Housekeeping

log = logging.getLogger(__name__)


async def serve(plan: Plan) -> None:
    """Run a plan until cancelled. Raises SettingsError and StorageError where it cannot begin."""
    settings = plan.settings
    open_storage(settings)
    async with AsyncExitStack() as stack:
        listener = _listen(settings, stack)
        sandbox = _make_sandbox(plan) if plan.in_sandbox else None
        if sandbox is not None:
            settings = settings.model_copy(update={"telegram_api_url": listener.address})
        container = await stack.enter_async_context(open_container(settings))
        secret = plan.webhook.secret if plan.webhook else ""
        web = Web(_list_checks(container), sandbox=sandbox, secret=secret)
        await stack.enter_async_context(serve_app(web.app, listener))
        if sandbox is not None:
            stack.push_async_callback(sandbox.close)
        bots = await _open_bots(plan, container, web, stack)
        _announce(plan, bots, container, listener.address)
        gc.collect()
        gc.freeze()  # what is loaded now stays: collections need not walk over it again
        await _work(bots, container, poll=plan.webhook is None)


def _listen(settings: Settings, stack: AsyncExitStack) -> Listener:
    try:
        listener = Listener(settings.host, settings.port)
    except OSError as error:
        raise SettingsError(explain_port(settings.host, settings.port, error)) from error
    stack.callback(listener.close)
    return listener


def _list_checks(container: Container) -> Mapping[str, Check]:
    async def check_redis() -> str:
        try:
            await container.hot.cache.get("ready")
        except StorageError:
            return "does not answer"
        return ""

    checks: dict[str, Check] = {"database": container.check_database}
    if container.settings.redis_url:
        checks["redis"] = check_redis
    return checks


async def _open_bots(plan: Plan, container: Container, web: Web, stack: AsyncExitStack) -> list[RunningBot]:
    """Bring the bots up one by one; a wrong token keeps its own bot away, and the others serve.

    Raises SettingsError where none is left.
    """
    bots: list[RunningBot] = []
    stack.push_async_callback(_close_bots, bots, web)
    problems = []
    for assignment in plan.assignments:
        try:
            bot = await RunningBot.open(assignment, container)
        except TelegramUnauthorizedError:
            problems.append(_explain_token(assignment))
            log.error("%s", problems[-1])  # noqa: TRY400 - the reason is known, a traceback would hide it
            continue
        bots.append(bot)
        web.runners[bot.name] = bot.runner
        await _prepare(bot, plan.webhook)
    if not bots:
        raise SettingsError("\n".join(problems))
    return bots


def _explain_token(assignment: Assignment) -> str:
    name = assignment.profile.name
    return (
        f"Telegram does not know the token of the bot {name!r}: "
        f"copy it again from @BotFather into {name_variable(name)} (or BOT_TOKEN)"
    )


async def _prepare(bot: RunningBot, webhook: Webhook | None) -> None:
    try:
        await bot.prepare(webhook)
    except TelegramRefusedError as error:
        address = webhook.public_url if webhook else ""
        raise SettingsError(f"BESEDA_PUBLIC_URL: Telegram does not take {address} ({error.detail})") from error


async def _close_bots(bots: Sequence[RunningBot], web: Web) -> None:
    web.runners.clear()  # what comes in from now on is refused, and Telegram brings it again
    await asyncio.gather(*(bot.close() for bot in bots))


async def _work(bots: Sequence[RunningBot], container: Container, *, poll: bool) -> None:
    async with asyncio.TaskGroup() as group:
        # None of them ends by itself: what one raises is a bug, and ends the program.
        group.create_task(Housekeeping(container.record.updates, container.clock).run())
        for bot in bots:
            group.create_task(_sweep(bot))
            if poll:
                group.create_task(bot.poll())


async def _sweep(bot: RunningBot) -> None:
    while True:
        try:
            await bot.sweep()
        except StorageError as error:  # an outage must not end the program: the next sweep finds what it left
            log.warning("%s could not look for unfinished updates: %s", bot.name, error.detail)


def _make_sandbox(plan: Plan) -> Sandbox:
    language = plan.settings.language
    accounts = tuple(
        BotAccount(item.token, _sandbox_username(item.profile), item.profile.title.say(language))
        for item in plan.assignments
    )
    return create_sandbox(SandboxSettings(accounts, plan.settings.storage_dir / "sandbox"))


def _sandbox_username(profile: BotProfile) -> str:
    return f"{profile.name.replace('-', '_')}_bot"


def _announce(plan: Plan, bots: Sequence[RunningBot], container: Container, address: str) -> None:
    names = ", ".join(bot.name for bot in bots)
    typer.echo(f"Beseda is up: {names}, answering with {container.model.name}")
    if plan.in_sandbox:
        typer.echo(f"Talk to it here: {address}/sandbox")
    else:
        typer.echo(f"Serving Telegram; health at {address}/health")
