"""Hints between all processes that share a Redis: publish and subscribe, over one connection for all topics.

Facts: https://redis.io/docs/latest/develop/interact/pubsub/ (at most once: messages published while no subscriber is
connected are lost).
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from beseda.core.backoff import Backoff
from beseda.core.errors import StorageError
from beseda.core.outages import OutageLog
from beseda.core.tasks import end_tasks
from beseda.ephemeral.memory.bus import Mailbox
from beseda.ephemeral.redis.connection import guard
from beseda.ephemeral.redis.outage import Outage

log = logging.getLogger(__name__)

_JOIN_SECONDS = 2.0
_LOOK_SECONDS = 1.0


class RedisBus:
    """Implements `Bus`. The listening connection is opened at the first subscription and reopened after a failure."""

    def __init__(self, redis: Redis, outage: Outage | None = None, *, prefix: str = "beseda:bus:") -> None:
        """`outage` is shared by all users of Redis in a process."""
        self._redis = redis
        self._outage = outage or Outage(self._ping)
        self._prefix = prefix
        self._listeners: dict[str, set[Mailbox]] = {}
        self._joined: dict[str, asyncio.Event] = {}
        self._confirmed: set[str] = set()
        self._wake = f"wake:{secrets.token_hex(8)}"
        self._task: asyncio.Task[None] | None = None
        self._backoff = Backoff(first=0.05, cap=2.0)
        self._failures = 0
        self._log = OutageLog(log, "the connection for hints")

    async def publish(self, topic: str, data: Mapping[str, object]) -> None:
        """Publish to the subscribers of `topic`. A hint that Redis does not accept is lost."""
        try:
            await self._outage.attempt(lambda: self._publish(topic, data))
        except StorageError as error:
            log.debug("a hint to %s is lost: %s", topic, error.detail)  # the outage itself is logged once

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Mapping[str, object]]]:
        """Listen for the length of the block. If Redis is unavailable, listening begins when it is available again."""
        mailbox = Mailbox()
        channel = self._prefix + topic
        self._listeners.setdefault(channel, set()).add(mailbox)
        await self._join(channel)
        try:
            yield mailbox
        finally:
            await self._part(channel, mailbox)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            await end_tasks([self._task])
        await self._outage.close()

    async def _ping(self) -> None:
        with guard():
            await self._redis.ping()

    async def _publish(self, topic: str, data: Mapping[str, object]) -> None:
        with guard():
            await self._redis.publish(self._prefix + topic, orjson.dumps(data))

    async def _join(self, channel: str) -> None:
        joined = self._joined.setdefault(channel, asyncio.Event())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="bus")
        elif not joined.is_set():
            await self.publish(self._wake, {})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_JOIN_SECONDS):
                await joined.wait()

    async def _part(self, channel: str, mailbox: Mailbox) -> None:
        listeners = self._listeners[channel]
        listeners.discard(mailbox)
        if not listeners:
            del self._listeners[channel], self._joined[channel]
            await self.publish(self._wake, {})

    async def _listen(self) -> None:
        """Receive messages while there are listeners, and reconnect after a failure."""
        while self._listeners:
            try:
                with guard():
                    async with self._redis.pubsub() as pubsub:
                        await self._hear(pubsub)
            except StorageError as error:
                self._log.fail(error.detail)
                await asyncio.sleep(self._backoff.delay(self._failures))
                self._failures += 1
            finally:
                for joined in self._joined.values():
                    joined.clear()

    async def _hear(self, pubsub: PubSub) -> None:
        """Receive messages. No other code uses the connection: a subscriber that joins or leaves wakes this loop."""
        subscribed: set[str] = set()
        self._confirmed.clear()
        while self._listeners:
            wanted = {self._prefix + self._wake, *self._listeners}
            if new := wanted - subscribed:
                await pubsub.subscribe(*new)
            if old := subscribed - wanted:
                await pubsub.unsubscribe(*old)
            subscribed = wanted
            for channel in self._confirmed & set(self._joined):
                self._joined[channel].set()
            message = await pubsub.get_message(timeout=_LOOK_SECONDS)
            if message is not None:
                self._failures = 0
                self._log.recover()
                self._deliver(message)

    def _deliver(self, message: Mapping[str, bytes | str]) -> None:
        channel = message["channel"]
        name = channel.decode() if isinstance(channel, bytes) else str(channel)
        if message["type"] == "subscribe":
            self._confirmed.add(name)
            if name in self._joined:
                self._joined[name].set()
        elif message["type"] == "unsubscribe":
            self._confirmed.discard(name)
        elif message["type"] == "message":
            try:
                data = orjson.loads(message["data"])
            except orjson.JSONDecodeError:
                return  # not one of ours
            if isinstance(data, dict):
                for mailbox in self._listeners.get(name, ()):
                    mailbox.put(data)
