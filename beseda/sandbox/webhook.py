from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from beseda.http.session import open_session

if TYPE_CHECKING:
    from beseda.sandbox.updates import PendingUpdate, UpdateQueue

_TIMEOUT = aiohttp.ClientTimeout(total=60)
_MAX_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where a bot wants its updates."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""


class WebhookDelivery:
    """Posts a bot's updates to its webhook: those of one chat in order, several chats at once, until a 2xx."""

    def __init__(self, target: WebhookTarget, queue: UpdateQueue, retry_seconds: float) -> None:
        self.target = target
        self.last_error: tuple[int, str] | None = None
        self._queue = queue
        self._retry_seconds = retry_seconds
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(target.max_connections)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; what was not taken stays in the queue."""
        tasks = [self._task, *self._lanes.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        async with open_session(timeout=_TIMEOUT) as session:
            try:
                while True:
                    for update in self._queue.list_pending():
                        if update.lane not in self._lanes:
                            self._start_lane(session, update.lane)
                    await self._queue.wait_for_arrival()
            finally:
                for task in self._lanes.values():
                    task.cancel()
                await asyncio.gather(*self._lanes.values(), return_exceptions=True)

    def _start_lane(self, session: aiohttp.ClientSession, lane: int) -> None:
        task = asyncio.create_task(self._deliver_lane(session, lane))
        self._lanes[lane] = task

    async def _deliver_lane(self, session: aiohttp.ClientSession, lane: int) -> None:
        try:
            while update := next((one for one in self._queue.list_pending() if one.lane == lane), None):
                await self._deliver(session, update)
                self._queue.remove(update)
        finally:
            self._lanes.pop(lane, None)

    async def _deliver(self, session: aiohttp.ClientSession, update: PendingUpdate) -> None:
        wait = self._retry_seconds
        while True:
            async with self._slots:
                error = await self._post(session, update)
            if error is None:
                return
            self.last_error = (int(time.time()), error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _MAX_RETRY_SECONDS)

    async def _post(self, session: aiohttp.ClientSession, update: PendingUpdate) -> str | None:
        headers: dict[str, Any] = {"Content-Type": "application/json"}
        if self.target.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.target.secret_token
        body = orjson.dumps(update.body)
        try:
            async with session.post(self.target.url, data=body, headers=headers, allow_redirects=False) as response:
                if 200 <= response.status < 300:
                    return None
                return f"Wrong response from the webhook: {response.status} {response.reason}"
        except (aiohttp.ClientError, TimeoutError, OSError):
            return "Connection refused"
