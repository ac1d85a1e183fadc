"""One bot's voice: parts go out in the form Telegram takes, as fast as it allows, until it has taken them."""

import asyncio
import html
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from beseda.domain.conversation import ChatKind
from beseda.domain.media import Media, MediaKind, read_media
from beseda.domain.turn import Part, PartState
from beseda.errors import (
    FileTooLargeError,
    NotFoundError,
    TelegramConflictError,
    TelegramFloodError,
    TelegramRefusedError,
    TelegramUnavailableError,
)
from beseda.kit.backoff import Backoff
from beseda.kit.clock import Clock
from beseda.telegram.base import FloodNote, LiveAnswer, LiveRequest, Markup, Target
from beseda.telegram.client import BotApi
from beseda.telegram.files import load_upload
from beseda.telegram.keyboards import write_markup
from beseda.telegram.pacing import Pacer
from beseda.telegram.render import render, to_html
from beseda.telegram.split import split
from beseda.telegram.stream import EditedAnswer, StreamedAnswer

log = logging.getLogger(__name__)

# Asked before each call whether the chat is still ours to talk to; raises LeaseLostError where it is not.
Guard = Callable[[int], Awaitable[None]]

_RENDER_IN_THREAD = 4000  # characters; rendering runs at about 0.8 MB/s, so 5 ms of the loop
_TAG = re.compile(r"<[^>]*>")
_NO_PREVIEW = {"is_disabled": True}


class TelegramMessenger:
    """Implements `beseda.telegram.base.Messenger` over a Bot API connection."""

    def __init__(
        self, api: BotApi, pacer: Pacer, clock: Clock, note_flood: FloodNote, files: Path | None = None
    ) -> None:
        """`files` is the folder that paths of media are below. Whoever shares chats with others sets `guard`."""
        self.api = api
        self.guard: Guard = _let_through
        self._files = files or Path()
        self._pacer = pacer
        self._clock = clock
        self._note_flood = note_flood
        self._backoff = Backoff(first=0.5, cap=60.0)
        self._drafts_known = True

    async def compose(self, markdown: str, keyboard: Markup = ()) -> list[Part]:
        pieces = await _render(markdown, partial=False)
        parts = [Part(number, piece) for number, piece in enumerate(pieces)]
        if keyboard and parts:
            parts[-1].markup = write_markup(keyboard)
        return parts

    def is_free(self, target: Target) -> bool:
        return self.due_in(target) <= 0

    async def wait(self, target: Target) -> None:
        while (delay := self.due_in(target)) > 0:
            await self._clock.sleep(delay)

    async def put(self, target: Target, part: Part) -> int:
        attempt = 0
        while True:
            await self.wait(target)
            await self._pacer.wait_for_bot()
            await self.guard(target.chat.chat_id)
            try:
                return await self._put_once(target, part)
            except TelegramFloodError as error:
                await self.obey_flood(target, error)
            except (TelegramUnavailableError, TelegramConflictError) as error:
                log.warning("Telegram is away, trying again: %s", error.detail)
                await self._clock.sleep(self._backoff.delay(attempt))
            attempt += 1

    def live(self, request: LiveRequest) -> LiveAnswer:
        if request.target.kind is ChatKind.PRIVATE and self._drafts_known:
            return StreamedAnswer(self, request)
        return EditedAnswer(self, request)

    async def _put_once(self, target: Target, part: Part) -> int:
        self._pacer.count(target.chat.chat_id, target.kind)
        if part.media:
            return await self._send_media(target, part)
        try:
            return await self._send_or_edit(target, part, {"text": part.html, "parse_mode": "HTML"})
        except TelegramRefusedError as error:
            if _is_not_modified(error) and part.message_id is not None:
                return part.message_id
            if _is_gone(error) and part.message_id is not None:
                part.message_id = None
                return await self._put_once(target, part)
            log.warning("refused, sent once more as plain text: %s", error.detail)
            return await self._send_or_edit(target, part, {"text": plain_text(part.html)})

    async def _send_media(self, target: Target, part: Part) -> int:
        """Send the files of a part, once: a part that has a message id was sent. One that is gone is said to be."""
        if part.message_id is not None:
            return part.message_id
        media = read_media(part.media)
        try:
            return await self._upload(target, part, media)
        except TelegramRefusedError as error:
            if not any(item.kind is MediaKind.PHOTO for item in media):
                raise
            # Too long a side, too narrow: what is no photo to Telegram is still a file.
            log.warning("refused as a photo, sent as a file: %s", error.detail)
            return await self._upload(target, part, [replace(item, kind=MediaKind.DOCUMENT) for item in media])
        except (NotFoundError, FileTooLargeError) as error:
            log.warning("a file is not sent: %s", error.detail)
            return await self._send_or_edit(target, replace(part, media=""), {"text": plain_text(part.html) or "—"})

    async def _upload(self, target: Target, part: Part, media: Sequence[Media]) -> int:
        caption = {"caption": part.html, "parse_mode": "HTML"} if part.html else {}
        upload = await load_upload(media, self._files, caption)
        sent = await self.api.upload(
            upload.method,
            upload.files,
            chat_id=target.chat.chat_id,
            message_thread_id=target.chat.thread_id or None,
            # An album takes no buttons (https://core.telegram.org/bots/api#sendmediagroup).
            reply_markup=part.markup or None if upload.method != "sendMediaGroup" else None,
            **upload.params,
        )
        return int((sent[0] if isinstance(sent, list) else sent)["message_id"])

    async def _send_or_edit(self, target: Target, part: Part, content: dict[str, Any]) -> int:
        markup = orjson.Fragment(part.markup) if part.markup else None
        chat_id = target.chat.chat_id
        if part.message_id is not None:
            await self.api.call(
                "editMessageText",
                chat_id=chat_id,
                message_id=part.message_id,
                link_preview_options=_NO_PREVIEW,
                reply_markup=markup,
                **content,
            )
            return part.message_id
        sent = await self.api.call(
            "sendMessage",
            chat_id=chat_id,
            message_thread_id=target.chat.thread_id or None,
            link_preview_options=_NO_PREVIEW,
            reply_parameters=_quote(target) if part.number == 0 else None,
            reply_markup=markup,
            **content,
        )
        return int(sent["message_id"])

    # What a live answer needs beyond that: calls that may fail without harm.

    def due_in(self, target: Target) -> float:
        """Return the seconds until a call that only shows progress is allowed."""
        return self._pacer.delay(target.chat.chat_id, target.kind)

    async def take_turn(self, target: Target) -> None:
        """Wait until a call that is made past `put` keeps within Telegram's limits, and count it."""
        await self.wait(target)
        await self._pacer.wait_for_bot()
        self._pacer.count(target.chat.chat_id, target.kind)

    async def show_typing(self, target: Target) -> None:
        """Show “typing…” for five seconds."""
        await self.guard(target.chat.chat_id)
        await self.api.call(
            "sendChatAction",
            chat_id=target.chat.chat_id,
            message_thread_id=target.chat.thread_id or None,
            action="typing",
        )

    async def show_draft(self, target: Target, draft_id: int, markdown: str) -> None:
        """Show the answer so far as a draft with a stop button; an empty text shows “thinking…”."""
        await self.guard(target.chat.chat_id)
        if not await self._pacer.has_room():
            return
        self._pacer.count(target.chat.chat_id, target.kind)
        pieces = await _render(markdown, partial=True)
        text: dict[str, Any] = {"text": pieces[-1], "parse_mode": "HTML"} if pieces else {"text": ""}
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
        part = request.part
        if part.message_id is None:
            part.state = PartState.SENDING
            await request.record(part)
        shown = replace(part, html=pieces[0], markup=markup)
        await self.guard(request.target.chat.chat_id)
        self._pacer.count(request.target.chat.chat_id, request.target.kind)
        message_id = await self._send_or_edit(request.target, shown, {"text": shown.html, "parse_mode": "HTML"})
        if part.message_id is None:
            part.message_id = message_id
            await request.record(part)

    async def obey_flood(self, target: Target, error: TelegramFloodError) -> None:
        """Close the chat for as long as Telegram says, and keep a note of it."""
        seconds = error.retry_after or 1.0
        self._pacer.close(target.chat.chat_id, seconds)
        log.warning("flood control: chat %d waits %.0f s", target.chat.chat_id, seconds)
        method, _, _ = error.detail.partition(":")  # as the client words it
        await self._note_flood(target, method, seconds)

    def forget_drafts(self) -> None:
        """Remember that this Bot API server is too old for drafts: answers are shown by edits from now on."""
        self._drafts_known = False


async def _let_through(_chat_id: int) -> None:
    """The guard of one who shares chats with nobody."""


async def _render(markdown: str, *, partial: bool) -> list[str]:
    """Return the HTML of each message that the Markdown needs; a long text is rendered beside the loop."""
    if len(markdown) > _RENDER_IN_THREAD:
        return await asyncio.to_thread(_render_now, markdown, partial=partial)
    return _render_now(markdown, partial=partial)


def _render_now(markdown: str, *, partial: bool) -> list[str]:
    return [to_html(piece) for piece in split(render(markdown, partial=partial))]


def plain_text(markup: str) -> str:
    """Return the text of our own HTML without its formatting."""
    return html.unescape(_TAG.sub("", markup))


def _quote(target: Target) -> dict[str, Any] | None:
    if target.reply_to is None or target.kind is ChatKind.PRIVATE:
        return None
    return {"message_id": target.reply_to, "allow_sending_without_reply": True}


def _is_not_modified(error: TelegramRefusedError) -> bool:
    return "message is not modified" in error.detail


def _is_gone(error: TelegramRefusedError) -> bool:
    return "message to edit not found" in error.detail or "message can't be edited" in error.detail
