"""One bot's voice: parts go out in the form Telegram takes, as fast as it allows, until it has taken them."""

import functools
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import (
    TelegramConflictError,
    TelegramFloodError,
    TelegramGoneError,
    TelegramRefusedError,
    TelegramUnansweredError,
    TelegramUnavailableError,
)
from beseda.telegram.base import Begin, FloodNote, LiveAnswer, LiveRequest, LookupResult, Target
from beseda.telegram.client import BotApi
from beseda.telegram.keyboards import Markup, write_markup
from beseda.telegram.pacing import Pacer
from beseda.telegram.part import Part
from beseda.telegram.refusals import Refusal, classify
from beseda.telegram.sending import AS_IT_IS, Sender, SendForm, render_messages
from beseda.telegram.streaming import DraftedAnswer, EditedAnswer

if TYPE_CHECKING:
    from beseda.telegram.lookup import SendLookup

log = logging.getLogger(__name__)

_CLOSED_SECONDS = 600.0  # how long a chat that refuses messages is believed to go on so
_CHATS_KEPT = 10_000
_TRIES, _TRIED_SECONDS = 8, 300.0  # after so many failures in that time a message is given up that alone fails


class TelegramMessenger:
    """Implements `beseda.telegram.base.Messenger` over a Bot API connection."""

    def __init__(
        self, api: BotApi, pacer: Pacer, clock: Clock, note_flood: FloodNote, files: Path | None = None
    ) -> None:
        """`files` is the folder that paths of media are below. `lookup`, if set, searches for unanswered sends."""
        self.sender = Sender(api, pacer, clock, note_flood, files or Path())
        self.lookup: SendLookup | None = None
        self._clock = clock
        self._backoff = Backoff(first=0.5, cap=60.0)
        self._taken_at = float("-inf")
        self._closed_until: dict[int, float] = {}

    async def compose(self, markdown: str, keyboard: Markup = ()) -> list[Part]:
        parts = [Part(number, piece) for number, piece in enumerate(await render_messages(markdown))]
        if keyboard and parts:
            parts[-1].markup = write_markup(keyboard)
        return parts

    def is_free(self, target: Target) -> bool:
        return self.sender.due_in(target) <= 0

    def is_closed(self, target: Target) -> bool:
        """Return whether Telegram recently refused all messages to this chat, of any content."""
        return self._closed_until.get(target.chat.chat_id, 0.0) > self._clock.monotonic()

    async def put(self, target: Target, part: Part, begin: Begin) -> int:
        if part.message_id is None:
            return await self._insist(target, functools.partial(self._send, target, part, begin), is_send=True)
        if part.media:
            return part.message_id  # files do not change: it was sent
        try:
            return await self.edit(target, part)
        except TelegramRefusedError as error:
            if classify(error) is Refusal.CHAT:
                raise
            raise TelegramGoneError(error.method, error.code, error.description) from error

    async def edit(self, target: Target, part: Part) -> int:
        return await self._insist(target, functools.partial(self._edit, target, part))

    async def look_up(self, target: Target, part: Part) -> LookupResult:
        return LookupResult(None) if self.lookup is None else await self.lookup.find(target, part)

    def live(self, request: LiveRequest) -> LiveAnswer:
        kind = DraftedAnswer if self.sender.takes_drafts(request.target) else EditedAnswer
        return kind(self.sender, request)

    async def _insist(self, target: Target, call: Callable[[], Awaitable[int]], *, is_send: bool = False) -> int:
        """Make a call as often as it takes, within Telegram's limits. An unanswered send is not repeated."""
        attempt, begun_at = 0, self._clock.monotonic()
        while True:
            await self.sender.wait(target)
            try:
                message_id = await call()
            except TelegramFloodError as error:
                await self.sender.obey_flood(target, error)
            except (TelegramUnavailableError, TelegramConflictError) as error:
                if is_send and isinstance(error, TelegramUnansweredError):
                    raise
                if (
                    attempt >= _TRIES
                    and begun_at + _TRIED_SECONDS < self._clock.monotonic()
                    and begun_at < self._taken_at
                ):
                    # Others were taken meanwhile: it is this message that the server fails at.
                    given_up = f"given up after {attempt} failures: {error.description}"
                    raise TelegramRefusedError(error.method, error.code, given_up) from error
                # An edit may be repeated whatever became of it; any other call had no effect.
                log.warning("Telegram is away, trying again: %s", error.detail)
                await self._clock.sleep(self._backoff.delay(attempt))
            else:
                self._taken_at = self._clock.monotonic()
                return message_id
            attempt += 1

    async def _send(self, target: Target, part: Part, begin: Begin) -> int:
        async with self.sender.sends:
            await begin()
            try:
                async with self.sender.guard(target.chat.chat_id):
                    return await self._concede(target, functools.partial(self.sender.send_part, target, part))
            except TelegramUnansweredError as error:
                self.sender.lose(part, error)
                raise

    async def _edit(self, target: Target, part: Part) -> int:
        try:
            async with self.sender.guard(target.chat.chat_id):
                return await self._concede(target, functools.partial(self.sender.edit_part, target, part))
        except TelegramRefusedError as error:
            if classify(error) is Refusal.UNCHANGED and part.message_id is not None:
                return part.message_id
            raise

    async def _concede(self, target: Target, call: Callable[[SendForm], Awaitable[int]]) -> int:
        """Make a call; each property of it that Telegram refuses is left out, once."""
        form = AS_IT_IS
        while True:
            try:
                return await call(form)
            except TelegramRefusedError as error:
                refusal = classify(error)
                less = form.without(refusal)
                if refusal is Refusal.CHAT:
                    if len(self._closed_until) >= _CHATS_KEPT:
                        self._closed_until.clear()
                    self._closed_until[target.chat.chat_id] = self._clock.monotonic() + _CLOSED_SECONDS
                if less == form:
                    raise
                form = less
                log.warning("refused (%s), sent once more without that: %s", refusal, error.detail)
