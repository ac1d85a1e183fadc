"""Fields of a message about another one: replies with quotes (#replyparameters), and the origin of a forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botapi_sandbox.chats import MEDIA_KINDS, make_reference
from botapi_sandbox.formatted_text import FormattedText, count_units
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog, DialogMessage, Json
    from botapi_sandbox.formatted_text import ParsedText
    from botapi_sandbox.services import MethodCall

_MAX_QUOTE_UNITS = 1024
_QUOTED_TYPES = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji", "date_time"})


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """The reply that a call asks for."""

    message_id: int
    chat_id: str = ""
    is_optional: bool = False
    quote: ParsedText | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Replied:
    """The message that is replied to, and its chat."""

    dialog: Dialog
    stored: DialogMessage


def read_reply(call: MethodCall) -> ReplyRequest | None:
    """Read `reply_parameters`, or the older parameters; raises ApiRefusalError."""
    params = call.params
    reply = params.decode_json("reply_parameters", "reply parameters")
    if reply is None:
        number = params.integer("reply_to_message_id")
        return ReplyRequest(number, is_optional=params.boolean("allow_sending_without_reply")) if number > 0 else None
    if not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")
    if not reply:
        return None
    quote = _read_text(reply, "quote")
    parsed = call.services.parser.parse(quote, _read_text(reply, "quote_parse_mode"), reply.get("quote_entities"))
    return ReplyRequest(
        message_id=_read_number(reply, "message_id", is_required=True),
        chat_id=_read_text(reply, "chat_id"),
        is_optional=reply.get("allow_sending_without_reply") is True,
        quote=parsed if quote else None,
        position=_read_number(reply, "quote_position"),
    )


def _read_number(fields: Json, name: str, *, is_required: bool = False) -> int:
    value = fields.get(name)
    if value is None:
        if is_required:
            raise bad_request(f'Can\'t find field "{name}"')
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise bad_request(f'Field "{name}" must be a Number')
    try:
        number = int(str(value)[:20])
    except ValueError:
        raise bad_request(f'Field "{name}" must be a valid Number') from None
    if not -(1 << 31) <= number < 1 << 31:
        raise bad_request(f'Field "{name}" must be a valid Number')
    return number


def _read_text(fields: Json, name: str) -> str:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float, type(None))):
        raise bad_request(f'Field "{name}" must be of type String')
    return "" if value is None else str(value)


def find_replied(call: MethodCall, dialog: Dialog, request: ReplyRequest | None) -> Replied | None:
    """The message that is replied to; raises ApiRefusalError when it is not there and has to be."""
    if request is None or request.message_id <= 0:
        return None
    is_elsewhere = request.chat_id not in {"", str(dialog.chat_id)}
    source = call.services.state.find_chat(call.bot, request.chat_id) if is_elsewhere else dialog
    stored = source.messages.get(request.message_id)
    if stored is not None:
        return Replied(source, stored)
    # A message of another chat has to be there in any case (#replyparameters).
    if is_elsewhere or not request.is_optional:
        raise bad_request("message to be replied not found")
    return None


def describe_reply(call: MethodCall, dialog: Dialog, request: ReplyRequest, replied: Replied, thread_id: int) -> Json:
    """The fields of a message that replies; raises ApiRefusalError for a quote that is not there."""
    message = replied.stored.message
    is_near = replied.dialog is dialog and message.get("message_thread_id", 0) == thread_id
    if is_near:
        fields: Json = {"reply_to_message": make_reference(message)}
    else:
        fields = {"external_reply": _describe_elsewhere(replied)}
    if request.quote is not None:
        fields["quote"] = _find_quote(call.services.parser.complete(request.quote), message, request.position)
    elif not is_near and (message.get("text") or message.get("caption")):
        # Who reads the reply may not see the other chat: Telegram's server adds the text by itself (#textquote).
        quoted = _pick_quoted(message.get("entities") or message.get("caption_entities") or [])
        whole: Json = {"text": message.get("text") or message["caption"], "position": 0}
        fields["quote"] = {**whole, "entities": quoted} if quoted else whole
    return fields


def _describe_elsewhere(replied: Replied) -> Json:
    message = replied.stored.message
    fields: Json = {"origin": make_origin(message)}
    if not replied.dialog.is_private:
        fields.update(chat=replied.dialog.chat, message_id=message["message_id"])
    names = ("link_preview_options", "has_media_spoiler", "contact", *MEDIA_KINDS)
    return {**fields, **{name: message[name] for name in names if name in message}}


def _pick_quoted(entities: list[Json]) -> list[Json]:
    return [entity for entity in entities if entity["type"] in _QUOTED_TYPES]


def _find_quote(quote: FormattedText, message: Json, position: int) -> Json:
    text = str(message.get("text") or message.get("caption") or "")
    marks = _list_marks(message.get("entities") or message.get("caption_entities") or [])
    wanted = _list_marks(quote.entities)
    places = [
        place
        for place in _list_places(text, quote.text)
        if {(unit - place, *rest) for unit, *rest in marks if place <= unit < place + quote.units} == wanted
    ]
    if not 0 < quote.units <= _MAX_QUOTE_UNITS or not places:
        raise bad_request("QUOTE_TEXT_INVALID")
    nearest = min(places, key=lambda place: abs(place - position))
    fields: Json = {"text": quote.text, "position": nearest, "is_manual": True}
    entities = _pick_quoted(quote.entities)
    return {**fields, "entities": entities} if entities else fields


def _list_places(text: str, part: str) -> list[int]:
    places, start = [], text.find(part)
    while start >= 0 and part:
        places.append(count_units(text[:start]))
        start = text.find(part, start + 1)
    return places


def _list_marks(entities: list[Json]) -> set[tuple[Any, ...]]:
    """The marks of each unit of a text, however the entities are cut."""
    return {
        (unit, entity["type"], entity.get("custom_emoji_id"), entity.get("unix_time"))
        for entity in _pick_quoted(entities)
        for unit in range(entity["offset"], entity["offset"] + entity["length"])
    }


def make_origin(message: Json) -> Json:
    """The `MessageOrigin` of a message: that of its forward, or else its sender."""
    sent_now = {"type": "user", "sender_user": message["from"], "date": message["date"]}
    origin: Json = message.get("forward_origin") or sent_now
    return origin


def describe_forward(origin: Json) -> Json:
    """The fields of a forwarded message; Telegram's server still writes the old ones beside the new one."""
    fields: Json = {"forward_origin": origin, "forward_date": origin["date"]}
    if origin["type"] == "user":
        fields["forward_from"] = origin["sender_user"]
    else:
        fields["forward_sender_name"] = origin["sender_user_name"]
    return fields
