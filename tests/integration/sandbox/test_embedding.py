"""The sandbox inside another app, as `beseda run` has it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from fastapi import FastAPI

from beseda.core.serving import Listener, serve_app
from botapi_sandbox import Sandbox, SandboxSettings, SandboxUser
from tests.parts.sandboxes import ANNA, BOTS, BotClient


@pytest.fixture
async def base_url(tmp_path: Path) -> AsyncIterator[str]:
    sandbox = Sandbox(SandboxSettings(bots=BOTS, folder=tmp_path / "sandbox"))
    app = FastAPI()
    app.router.routes.extend(sandbox.routes)

    @app.get("/health")
    async def tell_health() -> str:
        return "ok"

    listener = Listener("127.0.0.1", 0)
    async with serve_app(app, listener, before_stop=sandbox.close):
        yield listener.address
    listener.close()


async def test_paths_are_those_of_telegram_beside_the_apps_own(base_url: str) -> None:
    async with aiohttp.ClientSession() as session, SandboxUser(base_url, ANNA, f"first_bot:{ANNA}") as anna:
        bot = BotClient(base_url, session)
        await anna.say("привет")
        assert len(await bot.get("getUpdates")) == 1
        await bot.get("sendMessage", chat_id=ANNA, text="да")
        assert (await anna.wait_reply())["text"] == "да"
        async with session.get(f"{base_url}/health") as response:
            assert await response.json() == "ok"
        async with session.get(f"{base_url}/openapi.json") as response:
            assert list((await response.json())["paths"]) == ["/health"]


async def test_connection_can_be_dropped_inside_another_app(base_url: str) -> None:
    async with aiohttp.ClientSession() as session:
        bot = BotClient(base_url, session)
        await bot.fail_next("drop_before")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await bot.call("getMe")
