"""A sandbox that listens, and a bare client of its bot side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from botapi_sandbox import BotAccount, RunningSandbox, SandboxSettings, SandboxUser, serve_sandbox

TOKEN = "1000000001:sandbox-test-token-one"
OTHER_TOKEN = "1000000002:sandbox-test-token-two"
ANNA = 7000000001
CHRIS = 7000000002
GROUP = -1002000000001
FORUM = -1002000000002
BOTS = (BotAccount(TOKEN, "first_bot", "Первый"), BotAccount(OTHER_TOKEN, "second_bot", "Second"))


class BotClient:
    """Calls methods and hands back what the server said, refusals included."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession, token: str = TOKEN) -> None:
        self.base_url = base_url
        self.session = session
        self.token = token

    def with_token(self, token: str) -> "BotClient":
        return BotClient(self.base_url, self.session, token)

    async def post(self, method: str, data: Any) -> dict[str, Any]:
        async with self.session.post(f"{self.base_url}/bot{self.token}/{method}", data=data) as response:
            answer: dict[str, Any] = orjson.loads(await response.read())
        assert response.status == answer.get("error_code", 200)
        return answer

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        url = f"{self.base_url}/bot{self.token}/{method}"
        async with self.session.post(url, json=params) as response:
            answer: dict[str, Any] = orjson.loads(await response.read())
        assert response.status == answer.get("error_code", 200)
        return answer

    async def get(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def refused(self, method: str, **params: Any) -> str:
        answer = await self.call(method, **params)
        assert not answer["ok"], answer
        return str(answer["description"])

    async def user_side(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self.session.request(method, f"{self.base_url}/sandbox/api{path}", **options) as response:
            answer: dict[str, Any] = orjson.loads(await response.read())
        assert response.status == 200, answer
        return answer

    async def fail_next(self, kind: str, **fields: Any) -> None:
        await self.user_side("POST", "/faults", json={"kind": kind, **fields})


@asynccontextmanager
async def open_sandbox(folder: Path, **changes: Any) -> AsyncIterator[RunningSandbox]:
    settings = SandboxSettings(bots=BOTS, folder=folder, webhook_retry_seconds=0.02, poll_hold_seconds=0)
    async with serve_sandbox(replace(settings, **changes)) as running:
        yield running


def as_user(running: RunningSandbox, user_id: int = ANNA, dialog: str | None = None) -> SandboxUser:
    return SandboxUser(running.base_url, user_id, dialog or f"first_bot:{user_id}")
