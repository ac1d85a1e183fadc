"""Telegram that calls instead of being asked: one update of a chat at a time, to the replicas in turn.

Each chat's next update goes out when the last one was taken with 200, as Telegram's own server does it; a replica that
refuses or is not there is passed over, as a proxy in front of several would do.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Mapping

import aiohttp

from bench.http_server import Request
from bench.media_servers import FileTelegram

_AGAIN = 0.1  # seconds
_PATIENCE = aiohttp.ClientTimeout(total=40)


class WebhookTelegram(FileTelegram):
    """A Bot API server that delivers to `replicas`, the base addresses of the processes that stand behind one name."""

    replicas: list[str]
    secret: str

    def open(self, path: str, secret: str) -> None:
        """Begin to deliver below this path; what was written before waits."""
        self.replicas = []
        self.secret = secret
        self._webhook = path
        self._session = aiohttp.ClientSession(timeout=_PATIENCE, connector=aiohttp.TCPConnector(limit=0))
        self._turn = itertools.count()
        self._queues: dict[int, deque[tuple[int, bytes]]] = {}
        self._couriers: dict[int, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Deliver nothing more."""
        for courier in self._couriers.values():
            courier.cancel()
        await asyncio.gather(*self._couriers.values(), return_exceptions=True)
        await self._session.close()

    def post(self, user: int, chat: int, content: Mapping[str, object]) -> int:
        """Let a user send a message of any kind; it is on its way when this returns."""
        number = super().post(user, chat, content)
        self._queues.setdefault(chat, deque()).append(self._updates.pop())
        if chat not in self._couriers:
            self._couriers[chat] = asyncio.get_running_loop().create_task(self._deliver(chat))
        return number

    def handle(self, request: Request) -> None:
        """Answer one call; the address for webhooks is ours to know."""
        if request.path.endswith("/setWebhook"):
            request.connection.reply(b'{"ok":true,"result":true}')
        else:
            super().handle(request)

    async def _deliver(self, chat: int) -> None:
        queue = self._queues[chat]
        while queue:
            number, body = queue[0]
            self._on_handed(number, time.perf_counter())
            while not await self._hand_over(body):  # noqa: ASYNC110 - what is waited for is another process
                await asyncio.sleep(_AGAIN)
            queue.popleft()
        del self._couriers[chat]

    async def _hand_over(self, body: bytes) -> bool:
        if not self.replicas:
            return False
        replica = self.replicas[next(self._turn) % len(self.replicas)]
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret, "Content-Type": "application/json"}
        try:
            async with self._session.post(replica + self._webhook, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
