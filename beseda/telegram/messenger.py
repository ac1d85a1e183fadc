"""One bot's voice: parts go out in the form Telegram takes, as fast as it allows, until it has taken them."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from beseda.core.backoff import Backoff
from beseda.core.chat import ChatKind
from beseda.core.clock import Clock
from beseda.core.errors import (
    LeaseLostError,
    TelegramConflictError,
    TelegramFloodError,
    TelegramGoneError,
    TelegramRefusedError,
    TelegramUnansweredError,
    TelegramUnavailableError,
)
from beseda.engine.turns.model import Part, PartState
from beseda.telegram.base import Begin, FloodNote, LiveAnswer, LiveRequest, LookupResult, Markup, Target
from beseda.telegram.client import BotApi
from beseda.telegram.keyboards import write_markup
from beseda.telegram.lookup import MessageIds, ProbeLimits, SendLookup
from beseda.telegram.markdown import render, to_html
from beseda.telegram.markdown.split import split
from beseda.telegram.pacing import Pacer
from beseda.telegram.refusals import Refusal, classify
from beseda.telegram.sending import AS_IT_IS, PartCalls, SendForm
from beseda.telegram.stream import DraftedAnswer, EditedAnswer

log = logging.getLogger(__name__)

# Asked before each call whether the chat is still ours to talk to; raises LeaseLostError where it is not.
Guard = Callable[[int], AbstractAsyncContextManager[None]]

_RENDER_IN_THREAD = 4000  # characters; rendering runs at about 0.8 MB/s, so 5 ms of the loop
_CLOSED_SECONDS = 600.0  # how long a chat that refuses messages is believed to go on so
_CHATS_KEPT = 10_000
# Calls that send, at one time. A crash leaves so many unknown at most, which the search tells apart by their order; at
# 30 messages a second (https://core.telegram.org/bots/faq#broadcasting-to-users) this allows for half a second each.
_SENDS = 16
_TRIES, _TRIED_SECONDS = 8, 300.0  # after so many failures in that time a message is given up that alone fails


class TelegramMessenger:
    """Implements `beseda.telegram.base.Messenger` over a Bot API connection."""

    def __init__(
        self, api: BotApi, pacer: Pacer, clock: Clock, note_flood: FloodNote, files: Path | None = None
    ) -> None:
        """`files` is the folder that paths of media are below. A process that shares chats with others sets `guard`."""
        self.api = api
        self.guard: Guard = _let_through
        self._lookup: SendLookup | None = None
        self._sends = asyncio.Semaphore(_SENDS)
        self._calls = PartCalls(api, files or Path())
        self._pacer = pacer
        self._clock = clock
        self._note_flood = note_flood
        self._backoff = Backoff(first=0.5, cap=60.0)
        self._drafts_known = True
        self._draftless: set[int] = set()
        self._taken_at = float("-inf")
        self._closed_until: dict[int, float] = {}

    def search_in(self, store: MessageIds) -> None:
        """Enable the lookup of sends without an answer from now on."""
        limits = ProbeLimits(self.due_in, self._take_own_turn, self.obey_flood)
        self._lookup = SendLookup(self.api, self._calls, limits, store, self._clock)

    async def compose(self, markdown: str, keyboard: Markup = ()) -> list[Part]:
        pieces = await _render(markdown, partial=False)
        parts = [Part(number, piece) for number, piece in enumerate(pieces)]
        if keyboard and parts:
            parts[-1].markup = write_markup(keyboard)
        return parts

    def is_free(self, target: Target) -> bool:
        return self.due_in(target) <= 0

    def is_closed(self, target: Target) -> bool:
        """Return whether Telegram recently refused all messages to this chat, of any content."""
        return self._closed_until.get(target.chat.chat_id, 0.0) > self._clock.monotonic()

    async def wait(self, target: Target) -> None:
        while (delay := self.due_in(target)) > 0:
            await self._clock.sleep(delay)

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
        return await self._insist(target, lambda: self._edit_once(target, part))

    async def look_up(self, target: Target, part: Part) -> LookupResult:
        return LookupResult(None) if self._lookup is None else await self._lookup.find(target, part)

    async def _send(self, target: Target, part: Part, begin: Begin) -> int:
        async with self._sends:
            await begin()
            try:
                async with self.guard(target.chat.chat_id):
                    return await self._concede(target, functools.partial(self._calls.send, target, part))
            except TelegramUnansweredError as error:
                self._lose(part, error)
                raise

    async def _insist(self, target: Target, call: Callable[[], Awaitable[int]], *, is_send: bool = False) -> int:
        """Make a call as often as it takes, within Telegram's limits. An unanswered send is not repeated."""
        attempt, begun_at = 0, self._clock.monotonic()
        while True:
            await self.wait(target)
            await self._pacer.wait_for_bot()
            try:
                message_id = await call()
            except TelegramFloodError as error:
                await self.obey_flood(target, error)
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

    def _lose(self, part: Part, error: TelegramUnansweredError) -> None:
        part.state = PartState.UNKNOWN
        part.over_at = self._clock.now() + timedelta(seconds=error.retry_after or 0.0)

    def live(self, request: LiveRequest) -> LiveAnswer:
        has_drafts = self._drafts_known and request.target.chat.chat_id not in self._draftless
        if request.target.kind is ChatKind.PRIVATE and has_drafts:
            return DraftedAnswer(self, request)
        return EditedAnswer(self, request)

    async def _edit_once(self, target: Target, part: Part) -> int:
        try:
            async with self.guard(target.chat.chat_id):
                return await self._concede(target, functools.partial(self._calls.edit, target, part))
        except TelegramRefusedError as error:
            if classify(error) is Refusal.UNCHANGED and part.message_id is not None:
                return part.message_id
            raise

    async def _concede(self, target: Target, call: Callable[[SendForm], Awaitable[int]]) -> int:
        """Make a call; each property of it that Telegram refuses is left out, once."""
        form = AS_IT_IS
        while True:
            self._pacer.count(target.chat.chat_id, target.kind)
            try:
                return await call(form)
            except TelegramRefusedError as error:
                refusal = classify(error)
                less = form.without(refusal)
                if refusal is Refusal.CHAT:
                    self._close(target.chat.chat_id)
                if less == form:
                    raise
                form = less
                log.warning("refused (%s), sent once more without that: %s", refusal, error.detail)

    # What a live answer needs beyond that: calls that may fail without harm.

    def due_in(self, target: Target) -> float:
        """Return the seconds until a call that only shows progress is allowed."""
        return self._pacer.delay(target.chat.chat_id, target.kind)

    async def take_turn(self, target: Target) -> None:
        """Wait until a call that is made past `put` keeps within Telegram's limits, and count it."""
        await self.wait(target)
        await self._pacer.wait_for_bot()
        self._pacer.count(target.chat.chat_id, target.kind)

    async def _take_own_turn(self, target: Target) -> None:
        await self.take_turn(target)
        async with self.guard(target.chat.chat_id):
            pass  # a probe changes nothing, so it need not end with the lease

    async def show_typing(self, target: Target) -> None:
        """Show “typing…” for five seconds."""
        async with self.guard(target.chat.chat_id):
            await self.api.call(
                "sendChatAction",
                chat_id=target.chat.chat_id,
                message_thread_id=target.chat.thread_id or None,
                action="typing",
            )

    async def show_draft(self, target: Target, draft_id: int, markdown: str) -> None:
        """Show the answer so far as a draft with a stop button; an empty text shows “thinking…”."""
        if not await self._pacer.has_room():
            return
        pieces = await _render(markdown, partial=True)
        text: dict[str, Any] = {"text": pieces[-1], "parse_mode": "HTML"} if pieces else {"text": ""}
        async with self.guard(target.chat.chat_id):
            self._pacer.count(target.chat.chat_id, target.kind)
            await self.api.call(
                "sendMessageDraft",
                chat_id=target.chat.chat_id,
                message_thread_id=target.chat.thread_id or None,
                draft_id=draft_id,
                can_stop=True,
                **text,
            )

    async def show_text(self, request: LiveRequest, markdown: str, markup: str) -> None:
        """Show the answer so far as a real message: sent the first time, recorded before and after, then edited."""
        pieces = await _render(markdown, partial=True)
        if not pieces or not await self._pacer.has_room():
            return
        part, target = request.part, request.target
        if part.state is PartState.UNKNOWN:
            return  # searched for once the answer is whole
        shown = replace(part, html=pieces[0], markup=markup)
        if part.message_id is None:
            async with self._sends:
                part.message_id = await self._send_first(request, shown)
            await request.record(part)
        else:
            async with self.guard(target.chat.chat_id):
                self._pacer.count(target.chat.chat_id, target.kind)
                await self._calls.edit(target, shown)

    async def _send_first(self, request: LiveRequest, shown: Part) -> int:
        part, target = request.part, request.target
        part.state, part.sent_as = PartState.SENDING, shown.content()
        await request.record(part)
        try:
            async with self.guard(target.chat.chat_id):
                self._pacer.count(target.chat.chat_id, target.kind)
                return await self._calls.send(target, shown)
        except TelegramUnansweredError as error:
            self._lose(part, error)
            raise
        except (asyncio.CancelledError, LeaseLostError):  # the answer is whole, or the lease ended, and no id came
            self._lose(part, TelegramUnansweredError(description="not waited for", retry_after=5.0))
            raise

    async def obey_flood(self, target: Target, error: TelegramFloodError) -> None:
        """Block calls to the chat for the seconds that Telegram demands, and record the flood wait."""
        seconds = error.retry_after or 1.0
        self._pacer.close(target.chat.chat_id, seconds)
        log.warning("flood control: chat %d waits %.0f s", target.chat.chat_id, seconds)
        await self._note_flood(target, error.method, seconds)

    def refuse_drafts(self, chat_id: int | None) -> None:
        """Show answers by edits from now on: in a chat, or everywhere because the Bot API server is too old."""
        if chat_id is None:
            self._drafts_known = False
        elif len(self._draftless) < _CHATS_KEPT:
            self._draftless.add(chat_id)

    def _close(self, chat_id: int) -> None:
        """Remember that a chat takes no messages."""
        if len(self._closed_until) >= _CHATS_KEPT:
            self._closed_until.clear()
        self._closed_until[chat_id] = self._clock.monotonic() + _CLOSED_SECONDS


def _let_through(_chat_id: int) -> AbstractAsyncContextManager[None]:
    """The guard of a process that shares no chats."""
    return nullcontext()


async def _render(markdown: str, *, partial: bool) -> list[str]:
    """Return the HTML of each message that the Markdown needs; a long text is rendered beside the loop."""
    if len(markdown) > _RENDER_IN_THREAD:
        return await asyncio.to_thread(_render_now, markdown, partial=partial)
    return _render_now(markdown, partial=partial)


def _render_now(markdown: str, *, partial: bool) -> list[str]:
    return [to_html(piece) for piece in split(render(markdown, partial=partial))]
