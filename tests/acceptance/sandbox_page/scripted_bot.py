"""A bot that says what a test tells it to, through the Bot API and nothing else."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

TOKEN = "5000000001:page-tests-secret"
USERNAME = "page_test_bot"


@dataclass(slots=True)
class ScriptedBot:
    """Calls methods and waits for updates; an update counts as read once it was returned."""

    session: aiohttp.ClientSession
    base_url: str
    offset: int = 0

    async def call(self, method: str, **params: Any) -> Any:
        """The result of a method; fails the test when the server refuses."""
        async with self.session.post(f"{self.base_url}/bot{TOKEN}/{method}", json=params) as response:
            answer = await response.json()
        assert answer["ok"], (method, answer)
        return answer["result"]

    async def send_file(self, method: str, field: str, content: bytes, **params: Any) -> Any:
        """Send bytes as a photo, document and so on."""
        form = aiohttp.FormData({name: str(value) for name, value in params.items()})
        form.add_field(field, content, filename=f"{field}.bin")
        async with self.session.post(f"{self.base_url}/bot{TOKEN}/{method}", data=form) as response:
            answer = await response.json()
        assert answer["ok"], (method, answer)
        return answer["result"]

    async def say(self, chat_id: int, text: str, **params: Any) -> Any:
        """Send a text."""
        return await self.call("sendMessage", chat_id=chat_id, text=text, **params)

    async def next_update(self, kind: str) -> Any:
        """The next update of this kind; others before it are passed over. Fails after ten seconds."""
        for _ in range(10):
            for update in await self.call("getUpdates", offset=self.offset, timeout=1, limit=1):
                self.offset = update["update_id"] + 1
                if kind in update:
                    return update[kind]
        raise AssertionError(f"no {kind} arrived; unread: {json.dumps(await self.call('getUpdates'))}")
