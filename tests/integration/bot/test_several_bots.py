"""Several bots in one process: each with its own token, talk and model; what would mix them up is refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from beseda.app import open_app
from beseda.app_bots import RunningBot
from beseda.cli.run_options import RunOptions, name_variable
from beseda.config import load_settings
from beseda.core.errors import SettingsError
from beseda.ephemeral.redis.connection import open_redis
from beseda.llm.base import ChatModel
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import SandboxSettings, SandboxUser, serve_sandbox
from tests.parts.living_bot import ANNA, account
from tests.parts.model_events import said_in
from tests.parts.model_server import ModelServer, Reply
from tests.parts.redis import RedisServer

NAMES = ("assistant", "llama", "real_estate")
TOKENS = {name: f"710000000{number}:token-of-{name}-for-tests" for number, name in enumerate(NAMES)}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def _plan(environ: dict[str, str], *, sandbox: bool | None = None) -> RunOptions:
    return RunOptions.of(load_settings(None, {}, environ), sandbox=sandbox)


@asynccontextmanager
async def _running(folder: Path, model: ChatModel, **environ: str) -> AsyncIterator[dict[str, SandboxUser]]:
    """Run the bots of `NAMES` in this process; give Anna's private chat with each."""
    accounts = tuple(account(name, token) for name, token in TOKENS.items())
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(serve_sandbox(SandboxSettings(accounts, folder / "sandbox")))
        tokens = {name_variable(name): token for name, token in TOKENS.items()}
        storage = {"STORAGE_DIR": str(folder / "data"), "BESEDA_LIMITS": "off"}
        plan = _plan({**tokens, **storage, "TELEGRAM_API_URL": sandbox.base_url, **environ})
        app = await stack.enter_async_context(open_app(plan.settings, model=model))
        for assignment in plan.assignments:
            bot = await RunningBot.open(assignment, app)
            stack.push_async_callback(bot.close, within=0)
            await bot.prepare(None)
            stack.push_async_callback(_end, asyncio.create_task(bot.poll()))
        yield {
            name: await stack.enter_async_context(SandboxUser(sandbox.base_url, ANNA, f"{name}_bot:{ANNA}"))
            for name in NAMES
        }


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def test_each_answers_in_its_own_chat_and_knows_nothing_of_the_others(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with _running(tmp_path, model) as chats:
        for _ in range(2):
            for name, anna in chats.items():
                await anna.say(f"hello {name}")
                assert f"re: hello {name}" in (await anna.wait_reply())["text"]
    last = [said_in(request) for request in model.requests[-3:]]
    assert last == [[f"hello {name}", f"re: hello {name}", f"hello {name}"] for name in NAMES]


async def test_recent_messages_of_two_bots_share_one_redis_under_their_own_names(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with _running(tmp_path, ScriptedModel(fallback="ok"), REDIS_URL=redis.url) as chats:
        for anna in chats.values():
            await anna.say("hello")
            await anna.wait_reply()
        client = await open_redis(redis.url)
        keys = {key.decode() async for key in client.scan_iter("*chat_history*")}
        await client.aclose()
    assert keys >= {f"{name}:chat_history:{ANNA}" for name in ("assistant", "llama")}


async def test_one_bot_has_its_own_model(tmp_path: Path) -> None:
    async with ModelServer() as server:
        server.default = Reply(text="from the llama")
        async with _running(tmp_path, ScriptedModel(fallback="from all"), LLAMA_SERVER_URL=server.url) as chats:
            replies = {}
            for name, anna in chats.items():
                await anna.say("hello")
                replies[name] = (await anna.wait_reply())["text"].split("\n")[0]
    assert replies == {"assistant": "from all", "llama": "from the llama", "real_estate": "from all"}


def test_two_bots_with_one_token_are_refused_by_both_names() -> None:
    tokens = {"ASSISTANT_BOT_TOKEN": "1:same", "LITERARY_BOT_TOKEN": "1:same"}
    with pytest.raises(SettingsError, match=r"'assistant' and 'literary' have the same token"):
        _plan(tokens)


def test_every_bot_that_has_a_token_runs() -> None:
    plan = _plan({"LLAMA_BOT_TOKEN": "1:a", "HF_BOT_TOKEN": "2:b"})
    assert {item.profile.name: item.token for item in plan.assignments} == {"llama": "1:a", "hf_demo": "2:b"}


def test_named_bot_takes_the_general_token() -> None:
    [assignment] = _plan({"BOT_TOKEN": "1:a", "BESEDA_BOTS": "real_estate"}).assignments
    assert (assignment.profile.name, assignment.token, assignment.namespace) == ("real_estate", "1:a", "")


def test_all_bots_are_in_the_sandbox_without_any_token() -> None:
    plan = _plan({})
    assert plan.in_sandbox
    assert {item.profile.name for item in plan.assignments} >= {*NAMES, "literary", "hf_demo"}
    assert len({item.token for item in plan.assignments}) == len(plan.assignments)
