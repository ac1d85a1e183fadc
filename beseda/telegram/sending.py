"""The calls of one bot that put messages into chats, edit them and show progress, within Telegram's limits.

Beside the mailer, no other module makes them. A message is a row before the call (`beseda.engine.turns.delivery`).
"""

import asyncio
import html
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from beseda.core.chat import ChatKind
from beseda.core.clock import Clock
from beseda.core.errors import (
    FileTooLargeError,
    LeaseLostError,
    NotFoundError,
    TelegramFloodError,
    TelegramUnansweredError,
)
from beseda.telegram.base import FloodNote, LiveRequest, Target
from beseda.telegram.client import BotApi
from beseda.telegram.files import load_upload
from beseda.telegram.markdown import render, to_html
from beseda.telegram.markdown.split import split
from beseda.telegram.pacing import Pacer
from beseda.telegram.part import MediaKind, Part, PartState, read_media
from beseda.telegram.refusals import Refusal

log = logging.getLogger(__name__)

# Entered around each call: raises LeaseLostError if another process answers the chat now.
Guard = Callable[[int], AbstractAsyncContextManager[None]]

_RENDER_IN_THREAD = 4000  # characters; rendering runs at about 0.8 MB/s, so 5 ms of the loop
_CHATS_KEPT = 10_000
# Calls that send, at one time. A crash leaves so many unknown at most, which the search tells apart by their order; at
# 30 messages a second (https://core.telegram.org/bots/faq#broadcasting-to-users) this allows for half a second each.
_SENDS = 16

_TAG = re.compile(r"<[^>]*>")
_NO_PREVIEW = {"is_disabled": True}


@dataclass(frozen=True, slots=True)
class SendForm:
    """How a part goes out: without formatting, outside its topic, as no reply, its photos as files."""

    plain: bool = False
    unthreaded: bool = False
    unquoted: bool = False
    as_files: bool = False

    def without(self, refusal: Refusal) -> "SendForm":
        """Return the form without the refused property, or the same form if it has none to leave out."""
        match refusal:
            case Refusal.MARKUP:
                return replace(self, plain=True)
            case Refusal.THREAD:
                return replace(self, unthreaded=True)
            case Refusal.QUOTED:
                return replace(self, unquoted=True)
            case Refusal.MEDIA:
                return replace(self, as_files=True)
            case _:
                return self


AS_IT_IS = SendForm()


class Sender:
    """The calls of one bot. Each is made once and raises a leaf of TelegramError.

    A call to a chat that several processes may answer is made within `guard`, and one that sends a message within
    `sends`.
    """

    def __init__(self, api: BotApi, pacer: Pacer, clock: Clock, note_flood: FloodNote, files: Path) -> None:
        """`files` is the folder that paths of media are below."""
        self.api = api
        self.guard: Guard = lambda _chat_id: nullcontext()
        self.sends = asyncio.Semaphore(_SENDS)
        self._pacer = pacer
        self._clock = clock
        self._note_flood = note_flood
        self._files = files
        self._drafts_known = True
        self._draftless: set[int] = set()

    def due_in(self, target: Target) -> float:
        """Return the seconds until the chat may get another call."""
        return self._pacer.delay(target.chat.chat_id, target.kind)

    async def wait(self, target: Target) -> None:
        """Wait until one more call to the chat keeps within Telegram's limits."""
        while (delay := self.due_in(target)) > 0:
            await self._clock.sleep(delay)
        await self._pacer.wait_for_bot()

    def count(self, target: Target) -> None:
        """Count a call to the chat that is made now."""
        self._pacer.count(target.chat.chat_id, target.kind)

    async def obey_flood(self, target: Target, error: TelegramFloodError) -> None:
        """Block calls to the chat for the seconds that Telegram demands, and record the flood wait."""
        seconds = error.retry_after or 1.0
        self._pacer.close(target.chat.chat_id, seconds)
        log.warning("flood control: chat %d waits %.0f s", target.chat.chat_id, seconds)
        await self._note_flood(target, error.method, seconds)

    async def send_part(self, target: Target, part: Part, form: SendForm = AS_IT_IS) -> int:
        """Send a part and return its message id: of an album, that of its first message.

        A file that is gone or too big is left out.
        """
        self.count(target)
        if part.media:
            try:
                return await self._upload(target, part, form)
            except (NotFoundError, FileTooLargeError):
                part, form = replace(part, html=part.html or "—", media=""), replace(form, plain=True)
        is_reply = part.number == 0 and not form.unquoted and target.reply_to is not None
        # In a private chat it is clear what is answered, unless one message of many is meant.
        quotes = is_reply and (target.quotes or target.kind is not ChatKind.PRIVATE)
        quoted = {"message_id": target.reply_to, "allow_sending_without_reply": True}
        sent = await self.api.call(
            "sendMessage",
            chat_id=target.chat.chat_id,
            message_thread_id=None if form.unthreaded else target.chat.thread_id or None,
            reply_parameters=quoted if quotes else None,
            reply_markup=orjson.Fragment(part.markup) if part.markup else None,
            **_content(part, form),
        )
        return int(sent["message_id"])

    async def edit_part(self, target: Target, part: Part, form: SendForm = AS_IT_IS) -> int:
        """Replace the text or the caption of message `part.message_id` and its buttons; return the id."""
        self.count(target)
        await self.api.call(
            "editMessageCaption" if part.media else "editMessageText",
            chat_id=target.chat.chat_id,
            message_id=part.message_id,
            reply_markup=orjson.Fragment(part.markup) if part.markup else None,
            **_content(part, form),
        )
        assert part.message_id is not None  # noqa: S101 - an edit has a message
        return part.message_id

    def lose(self, part: Part, error: TelegramUnansweredError) -> None:
        """Mark a part whose send was not answered, and when that call can no longer take effect."""
        part.state = PartState.UNKNOWN
        part.over_at = self._clock.now() + timedelta(seconds=error.retry_after or 0.0)

    def takes_drafts(self, target: Target) -> bool:
        """Return whether an answer may be shown as a native draft: in private chats, unless drafts were refused."""
        known = self._drafts_known and target.chat.chat_id not in self._draftless
        return known and target.kind is ChatKind.PRIVATE

    def refuse_drafts(self, chat_id: int | None) -> None:
        """Show answers by edits from now on: in a chat, or everywhere because the Bot API server is too old."""
        if chat_id is None:
            self._drafts_known = False
        elif len(self._draftless) < _CHATS_KEPT:
            self._draftless.add(chat_id)

    # Calls that only show progress: they may fail without harm, and give way to messages.

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
        pieces = await render_messages(markdown, partial=True)
        text: dict[str, Any] = {"text": pieces[-1], "parse_mode": "HTML"} if pieces else {"text": ""}
        async with self.guard(target.chat.chat_id):
            self.count(target)
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
        pieces = await render_messages(markdown, partial=True)
        if not pieces or not await self._pacer.has_room():
            return
        part, target = request.part, request.target
        if part.state is PartState.UNKNOWN:
            return  # searched for once the answer is whole
        shown = replace(part, html=pieces[0], markup=markup)
        if part.message_id is not None:
            async with self.guard(target.chat.chat_id):
                await self.edit_part(target, shown)
            return
        async with self.sends:
            part.state, part.sent_as = PartState.SENDING, shown.content()
            await request.record(part)
            try:
                async with self.guard(target.chat.chat_id):
                    part.message_id = await self.send_part(target, shown)
            except TelegramUnansweredError as error:
                self.lose(part, error)
                raise
            except (asyncio.CancelledError, LeaseLostError):  # the answer is whole, or the lease ended, and no id came
                self.lose(part, TelegramUnansweredError(description="not waited for", retry_after=5.0))
                raise
        await request.record(part)

    async def _upload(self, target: Target, part: Part, form: SendForm) -> int:
        media = read_media(part.media)
        if form.as_files:
            media = [replace(item, kind=MediaKind.DOCUMENT) for item in media]
        upload = await load_upload(media, self._files, _content(part, form))
        sent = await self.api.upload(
            upload.method,
            upload.files,
            chat_id=target.chat.chat_id,
            message_thread_id=None if form.unthreaded else target.chat.thread_id or None,
            # An album takes no buttons (https://core.telegram.org/bots/api#sendmediagroup).
            reply_markup=part.markup or None if upload.method != "sendMediaGroup" else None,
            **upload.params,
        )
        return int((sent[0] if isinstance(sent, list) else sent)["message_id"])


async def render_messages(markdown: str, *, partial: bool = False) -> Sequence[str]:
    """Return the HTML of each message that the Markdown needs. A long text is rendered beside the loop."""
    is_long = len(markdown) > _RENDER_IN_THREAD
    return await asyncio.to_thread(_render, markdown, partial) if is_long else _render(markdown, partial)


# A short answer is rendered to see whether it shows anything, and then to be sent.
@lru_cache(maxsize=4)
def _render(markdown: str, partial: bool) -> Sequence[str]:  # noqa: FBT001 (the cache tells calls by name apart)
    return tuple(to_html(piece) for piece in split(render(markdown, partial=partial)))


def _content(part: Part, form: SendForm) -> dict[str, Any]:
    """Return the parameters of a call that carry the text of a part, or the caption of its files."""
    text = html.unescape(_TAG.sub("", part.html)) if form.plain else part.html
    mode = {} if form.plain else {"parse_mode": "HTML"}
    if part.media:
        return {"caption": text, **mode} if part.html else {}
    return {"text": text, "link_preview_options": _NO_PREVIEW, **mode}
