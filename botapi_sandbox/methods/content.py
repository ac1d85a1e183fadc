"""Content of messages: texts, captions and files, from the parameters of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botapi_sandbox.attachments import describe_file, take_file
from botapi_sandbox.params import Params
from botapi_sandbox.refusals import bad_request
from botapi_sandbox.services import MethodCall
from botapi_sandbox.validation import check_caption, check_text, read_link_preview

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.formatted_text import ParsedText

_NUMBERS = ("duration", "width", "height", "length")
_ALBUM_KINDS = frozenset({"photo", "video", "audio", "document"})
_SPOILER_KINDS = frozenset({"photo", "video", "animation"})
# Only what is sent is refused in words; edits have those of Telegram's servers.
EDIT_TEXT_WORDS = "MESSAGE_TOO_LONG"
EDIT_CAPTION_WORDS = "MEDIA_CAPTION_TOO_LONG"


@dataclass(frozen=True, slots=True)
class ParsedContent:
    """A text or a caption as the Bot API server reads it, before the chat is known."""

    text: ParsedText
    preview: Json | None = None
    is_above: bool = False


def parse_text(call: MethodCall) -> ParsedContent:
    """Read text, entities and link preview; raises ApiRefusalError."""
    params = call.params
    if not params.text("text"):
        raise bad_request("message text is empty")
    preview = read_link_preview(params)
    entities = params.decode_json("entities", "entities")
    return ParsedContent(call.services.parser.parse(params.text("text"), params.text("parse_mode"), entities), preview)


def complete_text(call: MethodCall, parsed: ParsedContent, *, words: str = "message is too long") -> Json:
    """The message fields of a text; raises ApiRefusalError as TDLib refuses. `words` are for a long one."""
    text = call.services.parser.complete(parsed.text)
    check_text(text, words=words)
    content: Json = {"text": text.text}
    if text.entities:
        content["entities"] = text.entities
    if parsed.preview is not None:
        content["link_preview_options"] = parsed.preview
    return content


def parse_caption(call: MethodCall) -> ParsedContent:
    """Read a caption and its entities; raises ApiRefusalError."""
    params = call.params
    entities = params.decode_json("caption_entities", "caption entities")
    parsed = call.services.parser.parse(params.text("caption"), params.text("parse_mode"), entities)
    return ParsedContent(parsed, is_above=params.boolean("show_caption_above_media"))


def complete_caption(call: MethodCall, parsed: ParsedContent, *, words: str = "message caption is too long") -> Json:
    """The message fields of a caption; raises ApiRefusalError. `words` are for a long one."""
    caption = call.services.parser.complete(parsed.text)
    check_caption(caption, words=words)
    fields: Json = {"caption": caption.text} if caption.text else {}
    if caption.entities:
        fields["caption_entities"] = caption.entities
    if caption.text and parsed.is_above:
        fields["show_caption_above_media"] = True
    return fields


async def read_file(call: MethodCall, name: str, kind: str) -> Json:
    """A file parameter as message content; raises ApiRefusalError."""
    stored = await take_file(call, name, kind)
    details: Json = {number: max(call.params.integer(number), 0) for number in _NUMBERS}
    details.update({field: call.params.text(field) for field in ("title", "performer", "emoji")})
    content = describe_file(stored, kind, details)
    if call.params.boolean("has_spoiler") and kind in _SPOILER_KINDS:
        content["has_media_spoiler"] = True
    return content


async def read_media(call: MethodCall, item: Any, *, words: str, for_album: bool) -> Json:
    """An InputMedia object as message content; raises ApiRefusalError. `words` are for a long caption."""
    prefix = "can't parse InputMedia: "
    if not isinstance(item, dict):
        raise bad_request(prefix + "expected an Object")
    kind = item.get("type")
    if not isinstance(kind, str):
        raise bad_request(prefix + 'Can\'t find field "type"')
    if kind not in _ALBUM_KINDS and (for_album or kind != "animation"):
        suffix = "can't be used in sendMediaGroup" if for_album and kind == "animation" else "is unsupported"
        raise bad_request(f'{prefix}type "{kind}" {suffix}')
    if not item.get("media"):
        raise bad_request(prefix + "media not found")
    inner = MethodCall(call.services, call.bot, Params(item, call.params.files))
    caption = parse_caption(inner)
    return {**await read_file(inner, "media", kind), **complete_caption(inner, caption, words=words)}
