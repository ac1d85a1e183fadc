"""Events of the chats, numbered, for the page and for scripted users."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

# A reader that is this far behind is let go; its browser reconnects with the last number it saw.
MAX_BEHIND = 5_000


@dataclass(slots=True, eq=False)
class Subscription:
    """One reader of the events of one dialog, or of all."""

    dialog: str | None
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def offer(self, event: tuple[int, bytes]) -> None:
        """Queue an event for this reader."""
        if len(self.waiting) >= MAX_BEHIND:
            self.closed = True
        if not self.closed:
            self.waiting.append(event)
        self.wake.set()


class EventLog:
    """Numbered events of the chats in a ring buffer, followed by pages and scripted users."""

    def __init__(self, kept: int) -> None:
        self._ring: deque[tuple[int, str | None, bytes]] = deque(maxlen=kept)
        self._subscriptions: dict[str | None, set[Subscription]] = {}
        # Rises over restarts too: a page that reconnects with an old number gets all that is new.
        self.seq = int(time.time() * 1000)
        # Called with the kind and the event as JSON.
        self.listener: Callable[[str, bytes], None] | None = None

    def publish(self, dialog: str | None, kind: str, **fields: Any) -> None:
        """Publish an event to all subscribers of this dialog."""
        self.seq += 1
        data = orjson.dumps({"seq": self.seq, "dialog": dialog, "type": kind, **fields})
        self._ring.append((self.seq, dialog, data))
        if self.listener is not None:
            self.listener(kind, data)
        for key in {dialog, None}:
            for subscription in self._subscriptions.get(key, ()):
                subscription.offer((self.seq, data))

    def subscribe(self, dialog: str | None, after: int | None) -> Subscription:
        """Follow from now on, or from after a number that is still in the ring."""
        subscription = Subscription(dialog)
        if after is not None:
            for seq, key, data in self._ring:
                if seq > after and dialog in {None, key}:
                    subscription.offer((seq, data))
        self._subscriptions.setdefault(dialog, set()).add(subscription)
        return subscription

    async def follow(
        self, subscription: Subscription, *, pause_seconds: float
    ) -> AsyncIterator[tuple[int, bytes] | None]:
        """The events as they come; None after every pause, so that a dead connection is noticed."""
        try:
            while not subscription.closed:
                while subscription.waiting:
                    yield subscription.waiting.popleft()
                subscription.wake.clear()
                try:
                    async with asyncio.timeout(pause_seconds):
                        await subscription.wake.wait()
                except TimeoutError:
                    yield None
        finally:
            self.unsubscribe(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a reader."""
        group = self._subscriptions.get(subscription.dialog, set())
        group.discard(subscription)
        if not group:
            self._subscriptions.pop(subscription.dialog, None)

    def close(self) -> None:
        """End every reader's stream."""
        for subscription in [one for group in self._subscriptions.values() for one in group]:
            subscription.closed = True
            subscription.wake.set()
