"""Delivery of a bot's updates to its webhook, with retries."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from starlette.datastructures import Headers

from botapi_sandbox.params import read_body
from botapi_sandbox.refusals import ApiRefusalError
from botapi_sandbox.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from botapi_sandbox.params import Params
    from botapi_sandbox.update_queue import PendingUpdate, UpdateQueue

    WebhookReplyHandler = Callable[[Params], Awaitable[None]]

logger = logging.getLogger(__name__)

_MAX_RETRY_SECONDS = 60.0
_MAX_RETRY_AFTER = 3600  # WebhookActor.cpp, on_update_error


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Address and options of a bot's webhook."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""


@dataclass(frozen=True, slots=True)
class WebhookTiming:
    """Seconds until a receiver counts as dead, and before the second retry; the wait doubles up to 60 s."""

    timeout: float
    retry: float


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    retry_after: int = 0


class WebhookDelivery:
    """Posts a bot's updates to its webhook: those of one lane in order, several lanes at once, until a 2xx.

    `reply` carries out the method that an answer may name.
    """

    def __init__(
        self, target: WebhookTarget, queue: UpdateQueue, timing: WebhookTiming, reply: WebhookReplyHandler
    ) -> None:
        self.target = target
        self.last_error: tuple[int, str] | None = None
        self._queue = queue
        self._timing = timing
        self._reply = reply
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(target.max_connections)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; undelivered updates stay in the queue."""
        tasks = [self._task, *self._lanes.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._timing.timeout)
        async with open_session(self.target.url, timeout=timeout) as session:
            try:
                while True:
                    for update in self._queue.list_pending():
                        if update.lane not in self._lanes:
                            self._lanes[update.lane] = asyncio.create_task(self._deliver_lane(session, update.lane))
                    await self._queue.wait_for_arrival()
            finally:
                for task in self._lanes.values():
                    task.cancel()
                await asyncio.gather(*self._lanes.values(), return_exceptions=True)

    async def _deliver_lane(self, session: aiohttp.ClientSession, lane: int) -> None:
        try:
            while update := next((one for one in self._queue.list_pending() if one.lane == lane), None):
                await self._deliver(session, update)
                self._queue.remove(update)
        finally:
            self._lanes.pop(lane, None)

    async def _deliver(self, session: aiohttp.ClientSession, update: PendingUpdate) -> None:
        # The first retry comes immediately, later ones after a wait that doubles, unless the receiver names one.
        wait, delay = self._timing.retry, 0.0
        while True:
            async with self._slots:
                failure = await self._post(session, update)
            if failure is None:
                return
            self.last_error = (int(time.time()), failure.reason)
            await asyncio.sleep(min(failure.retry_after, _MAX_RETRY_AFTER) or delay)
            if not failure.retry_after:
                delay = wait = min(wait * 2, _MAX_RETRY_SECONDS)

    async def _post(self, session: aiohttp.ClientSession, update: PendingUpdate) -> _Failure | None:
        headers: dict[str, Any] = {"Content-Type": "application/json"}
        if self.target.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.target.secret_token
        body = orjson.dumps(update.body)
        try:
            async with session.post(self.target.url, data=body, headers=headers, allow_redirects=False) as response:
                if 200 <= response.status < 300:
                    await self._read_reply(response)
                    return None
                reason = f"Wrong response from the webhook: {response.status} {response.reason}"
                wait = response.headers.get("Retry-After", "")
                is_number = wait.isascii() and wait.isdecimal() and len(wait) < 10
                return _Failure(reason, int(wait) if is_number else 0)
        except TimeoutError:
            return _Failure("Read timeout expired")
        except aiohttp.ClientConnectorError:
            return _Failure("Connection refused")
        except (aiohttp.ClientError, OSError, ValueError):
            return _Failure("Webhook connection closed")

    async def _read_reply(self, response: aiohttp.ClientResponse) -> None:
        """Carry out the method of an answer; an update is taken even if its answer makes no sense."""
        try:
            params = await read_body(Headers(response.headers), response.content.iter_chunked(1 << 16), {})
        except (ApiRefusalError, ValueError) as error:
            logger.debug("the answer of a webhook is no method call: %s", type(error).__name__)
            return
        await self._reply(params)
