"""The calls that put a message into a chat, and the edits of it. Beside the mailer, no other module makes them.

They are made for parts of turns, each of them a row before the call (`beseda.engine.turns.delivery`).
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from beseda.core.chat import ChatKind
from beseda.core.errors import FileTooLargeError, NotFoundError
from beseda.engine.turns.model import Part
from beseda.telegram.base import Target
from beseda.telegram.client import BotApi
from beseda.telegram.files import load_upload
from beseda.telegram.media import Media, MediaKind, read_media
from beseda.telegram.refusals import Refusal

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


class PartCalls:
    """Sends and edits parts with one call each; every method raises a leaf of TelegramError."""

    def __init__(self, api: BotApi, files: Path) -> None:
        """`files` is the folder that paths of media are below."""
        self._api = api
        self._files = files

    async def send(self, target: Target, part: Part, form: SendForm = AS_IT_IS) -> int:
        """Send a part and return its message id: of an album, that of its first message.

        A file that is gone or too big is left out.
        """
        if not part.media:
            return await self._send_text(target, part, form)
        try:
            return await self._upload(target, part, form)
        except (NotFoundError, FileTooLargeError):
            text = replace(part, html=part.html or "—", media="")
            return await self._send_text(target, text, replace(form, plain=True))

    async def edit(self, target: Target, part: Part, form: SendForm = AS_IT_IS) -> int:
        """Replace the text or the caption of message `part.message_id` and its buttons; return the id."""
        method, content = "editMessageText", _text(part, form)
        if part.media:
            method, content = "editMessageCaption", _caption(part, form)
        await self._api.call(
            method,
            chat_id=target.chat.chat_id,
            message_id=part.message_id,
            reply_markup=_markup(part),
            **content,
        )
        assert part.message_id is not None  # noqa: S101 - an edit has a message
        return part.message_id

    async def _send_text(self, target: Target, part: Part, form: SendForm) -> int:
        sent = await self._api.call(
            "sendMessage",
            chat_id=target.chat.chat_id,
            message_thread_id=_thread(target, form),
            reply_parameters=_quote(target) if part.number == 0 and not form.unquoted else None,
            reply_markup=_markup(part),
            **_text(part, form),
        )
        return int(sent["message_id"])

    async def _upload(self, target: Target, part: Part, form: SendForm) -> int:
        upload = await load_upload(_list_media(part, form), self._files, _caption(part, form))
        sent = await self._api.upload(
            upload.method,
            upload.files,
            chat_id=target.chat.chat_id,
            message_thread_id=_thread(target, form),
            # An album takes no buttons (https://core.telegram.org/bots/api#sendmediagroup).
            reply_markup=part.markup or None if upload.method != "sendMediaGroup" else None,
            **upload.params,
        )
        return int((sent[0] if isinstance(sent, list) else sent)["message_id"])


def plain_text(markup: str) -> str:
    """Return the text of our own HTML without its formatting."""
    return html.unescape(_TAG.sub("", markup))


def _text(part: Part, form: SendForm) -> dict[str, Any]:
    if form.plain:
        return {"text": plain_text(part.html), "link_preview_options": _NO_PREVIEW}
    return {"text": part.html, "parse_mode": "HTML", "link_preview_options": _NO_PREVIEW}


def _caption(part: Part, form: SendForm) -> dict[str, str]:
    if not part.html:
        return {}
    return {"caption": plain_text(part.html)} if form.plain else {"caption": part.html, "parse_mode": "HTML"}


def _markup(part: Part) -> orjson.Fragment | None:
    return orjson.Fragment(part.markup) if part.markup else None


def _thread(target: Target, form: SendForm) -> int | None:
    return None if form.unthreaded else target.chat.thread_id or None


def _list_media(part: Part, form: SendForm) -> Sequence[Media]:
    media = read_media(part.media)
    return [replace(item, kind=MediaKind.DOCUMENT) for item in media] if form.as_files else media


def _quote(target: Target) -> dict[str, Any] | None:
    if target.reply_to is None or (target.kind is ChatKind.PRIVATE and not target.quotes):
        return None
    return {"message_id": target.reply_to, "allow_sending_without_reply": True}
