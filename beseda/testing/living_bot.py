"""A running bot for tests: a sandbox over HTTP, SQLite in a folder, a scripted model, all in the test's event loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beseda.app import App, open_app
from beseda.app_bots import Assignment, RunningBot
from beseda.bots.catalog import Catalog
from beseda.config import load_settings
from beseda.core.clock import SystemClock
from beseda.engine.polling import Poller
from beseda.llm.base import ChatModel
from beseda.testing.database import make_database
from beseda.testing.waiting import eventually
from botapi_sandbox import (
    DEFAULT_GROUPS,
    DEFAULT_USERS,
    BotAccount,
    RunningSandbox,
    SandboxSettings,
    SandboxUser,
    serve_sandbox,
)

TOKEN = "7100000001:token-for-tests-token-for-tests"  # noqa: S105 - the sandbox takes any
ANNA, CHRIS, BORIS = (person.id for person in DEFAULT_USERS)
GROUP, FORUM = (group.id for group in DEFAULT_GROUPS)
BOT = "assistant_bot"


class PollingClock(SystemClock):
    """Real time; `hurried` shortens long waits, for tests of later steps."""

    hurried = False

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.05) if self.hurried else seconds)


@dataclass
class LivingBot:
    """A running bot with its sandbox, its services and its users."""

    sandbox: RunningSandbox
    app: App
    bot: RunningBot
    stack: AsyncExitStack
    clock: PollingClock

    @property
    def username(self) -> str:
        """The bot's name in the sandbox."""
        return self.bot.runner.bot.me.username

    async def user(self, user_id: int = ANNA, dialog: str = "") -> SandboxUser:
        """Return a connected user, in the private chat with the bot unless `dialog` names another."""
        place = dialog or f"{self.username}:{user_id}"
        return await self.stack.enter_async_context(SandboxUser(self.sandbox.base_url, user_id, place))

    async def fault(self, **fields: Any) -> None:
        """Have the Bot API server misbehave."""
        await self._post("/faults", fields)

    async def inject(self, update: Mapping[str, Any]) -> None:
        """Hand the bot a raw update."""
        await self._post("/updates", {"bot": self.username, "update": update})

    async def calls(self, method: str) -> list[dict[str, Any]]:
        """Return the calls of a Bot API method so far, oldest first."""
        user = await self.user()
        found = await user.call("GET", "/calls", params={"method": method})
        return list(found["calls"])

    async def clear_faults(self) -> None:
        """Have the Bot API server behave again."""
        await (await self.user()).call("DELETE", "/faults")

    def hurry(self) -> None:
        """Have the poller come back at once after a failure."""
        self.clock.hurried = True

    async def wait_for_calls(self, method: str) -> None:
        """Wait until the bot has called a Bot API method."""
        await eventually(lambda: self.calls(method))

    async def wait_until_stored(self, number: int) -> None:
        """Wait until so many updates are in the inbox."""

        async def are_stored() -> bool:
            return await self.unfinished() >= number

        await eventually(are_stored)

    async def settle(self) -> None:
        """Wait until the bot has nothing left to do."""

        async def is_idle() -> bool:
            return not self.bot.runner.pending and not await self.unfinished()

        await eventually(is_idle)

    async def unfinished(self) -> int:
        """Return how many updates are not worked off."""
        return len(await self.app.engine.updates.unfinished(self.bot.name))

    async def _post(self, path: str, fields: Mapping[str, Any]) -> None:
        user = await self.user()
        await user.call("POST", path, json=fields)


def account(name: str, token: str = TOKEN) -> BotAccount:
    """Return a bot's account in the sandbox."""
    return BotAccount(token, f"{name}_bot", name)


@asynccontextmanager
async def living_bot(
    folder: Path, model: ChatModel, name: str = "assistant", **environ: str
) -> AsyncIterator[LivingBot]:
    """Run a bot for the length of the block; its data go into `folder`, and `environ` are settings.

    The bot is found in `folder`/bots, then in `BESEDA_BOTS_DIR` (`./bots` unless given), then among the bundled ones.
    """
    async with (
        serve_sandbox(SandboxSettings((account(name),), folder / "sandbox")) as sandbox,
        run_bot(folder, model, sandbox, name, **environ) as living,
    ):
        yield living


@asynccontextmanager
async def run_bot(
    folder: Path, model: ChatModel, sandbox: RunningSandbox, name: str = "assistant", **environ: str
) -> AsyncIterator[LivingBot]:
    """Run the bot against an existing sandbox, as after a restart; `token` may name another account.

    With `clock="hurried"` its waits are short, such as those for a lost call, which may take effect for five seconds.
    """
    clock = PollingClock()
    clock.hurried = environ.pop("clock", "") == "hurried"
    token = environ.pop("token", TOKEN)
    variables = {
        "TELEGRAM_API_URL": sandbox.base_url,
        "STORAGE_DIR": str(folder / "data"),
        "BESEDA_LIMITS": "off",  # tests write faster than people
        **environ,
    }
    settings = load_settings(None, {}, variables)
    if not settings.database_url:
        await make_database(settings.storage_dir / "beseda.db")
    catalog = Catalog([folder / "bots", settings.bots_dir])
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings, model=model, clock=clock))
        assignment = Assignment(catalog.load(name), catalog.router(name), token)
        bot = await RunningBot.open(assignment, app)
        stack.push_async_callback(bot.close, within=0)
        await bot.prepare(None)
        # A clock of its own: `hurry` shortens the waits of the poller, not those of the bot.
        poller_clock = PollingClock()
        task = asyncio.create_task(Poller(bot.runner, poller_clock).run())
        stack.push_async_callback(_end, task)
        yield LivingBot(sandbox, app, bot, stack, poller_clock)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
