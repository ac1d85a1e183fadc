"""Edits of a bot's own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botapi_sandbox.chats import MEDIA_KINDS
from botapi_sandbox.keyboards import check_before_sending, check_on_server, read_markup
from botapi_sandbox.methods.content import (
    EDIT_CAPTION_WORDS,
    EDIT_TEXT_WORDS,
    complete_caption,
    complete_text,
    parse_caption,
    parse_text,
    read_media,
)
from botapi_sandbox.methods.delivery import find_message
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog, DialogMessage, Json
    from botapi_sandbox.services import Handler, MethodCall


def _find_editable(call: MethodCall) -> tuple[Dialog, DialogMessage]:
    params = call.params
    if not params.text("chat_id") and not params.integer("message_id"):
        if params.text("inline_message_id"):
            raise bad_request("MESSAGE_ID_INVALID")  # no message here was sent through inline mode
        raise bad_request("message identifier is not specified")
    dialog, stored = find_message(call, "message to edit")
    if stored.bot is not call.bot or stored.is_service or "forward_origin" in stored.message:
        raise bad_request("message can't be edited")
    # A message that brought a reply keyboard stays as it is; only inline keyboards can be edited (#updating-messages).
    if stored.sent_markup is not None and "inline_keyboard" not in stored.sent_markup:
        raise bad_request("message can't be edited")
    return dialog, stored


def _finish(call: MethodCall, dialog: Dialog, stored: DialogMessage, content: Json) -> Json:
    markup = read_markup(call.params)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    check_before_sending(markup, call.services.parser.find_link_fault, is_private=dialog.is_private)
    check_on_server(markup, is_private=dialog.is_private)
    call.services.flood.check(call.bot.username, dialog.chat_id)
    return call.services.state.edit_message(dialog, stored, content, markup)


def _find_media(stored: DialogMessage) -> Json:
    fields = (*MEDIA_KINDS, "has_media_spoiler")
    return {name: stored.message[name] for name in fields if name in stored.message}


async def edit_text(call: MethodCall) -> Json:
    """#editmessagetext"""
    parsed = parse_text(call)
    dialog, stored = _find_editable(call)
    if "text" not in stored.message:
        raise bad_request("there is no text in the message to edit")
    return _finish(call, dialog, stored, complete_text(call, parsed, words=EDIT_TEXT_WORDS))


async def edit_caption(call: MethodCall) -> Json:
    """#editmessagecaption"""
    parsed = parse_caption(call)
    dialog, stored = _find_editable(call)
    media = _find_media(stored)
    if not media or "video_note" in media or "sticker" in media:
        raise bad_request("there is no caption in the message to edit")
    return _finish(call, dialog, stored, {**media, **complete_caption(call, parsed, words=EDIT_CAPTION_WORDS)})


async def edit_media(call: MethodCall) -> Json:
    """#editmessagemedia"""
    call.params.required_text("media")
    item = call.params.decode_json("media", "input media")
    dialog, stored = _find_editable(call)
    content = await read_media(call, item, words=EDIT_CAPTION_WORDS, for_album=False)
    if {"voice", "video_note", "sticker"} & stored.message.keys():
        raise bad_request("message media can't be edited")
    if "media_group_id" in stored.message:
        # A member of an album stays with its like (MessagesManager.cpp, edit_message_media).
        old = next(kind for kind in MEDIA_KINDS if kind in stored.message)
        new = next(kind for kind in ("animation", *MEDIA_KINDS) if kind in content)
        if new not in {"photo", "video", "audio", "document"}:
            raise bad_request("message content type can't be used in an album")
        if old != new and {old, new} & {"audio", "document"}:
            raise bad_request("can't change media type in the album")
    return _finish(call, dialog, stored, content)


async def edit_markup(call: MethodCall) -> Json:
    """#editmessagereplymarkup"""
    dialog, stored = _find_editable(call)
    names = ("text", "entities", "caption", "caption_entities", "link_preview_options")
    kept = {name: stored.message[name] for name in names if name in stored.message}
    return _finish(call, dialog, stored, {**kept, **_find_media(stored)})


METHODS: dict[str, Handler] = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageMedia": edit_media,
    "editMessageReplyMarkup": edit_markup,
}
