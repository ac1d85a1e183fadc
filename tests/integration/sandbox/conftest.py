from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from botapi_sandbox import RunningSandbox, SandboxUser
from tests.parts.sandboxes import BotClient, as_user, open_sandbox


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    async with open_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def bot(running: RunningSandbox, session: aiohttp.ClientSession) -> BotClient:
    return BotClient(running.base_url, session)


@pytest.fixture
async def anna(running: RunningSandbox) -> AsyncIterator[SandboxUser]:
    async with as_user(running) as user:
        yield user
