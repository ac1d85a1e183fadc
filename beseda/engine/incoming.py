"""Events that handlers receive: Telegram's updates without their envelope.

Facts about the fields: https://core.telegram.org/bots/api#update
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.mime import UNKNOWN, guess_mime
from beseda.engine.content import (
    is_reply_to,
    is_service,
    list_unseen,
    read_origin,
    read_person,
    read_quotations,
    read_speaker,
    read_words,
)
from beseda.engine.updates.model import StoredUpdate
from beseda.llm.quotation import Quotation, drop_controls

log = logging.getLogger(__name__)

Json = dict[str, Any]

# Asked of Telegram by name: what is not listed here never comes in.
WANTED = ("message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation")


class MessageKind(StrEnum):
    """The kind of content of a message, by Telegram's field names."""

    TEXT = "text"
    VOICE = "voice"
    VIDEO_NOTE = "video_note"
    AUDIO = "audio"
    VIDEO = "video"
    PHOTO = "photo"
    DOCUMENT = "document"
    CONTACT = "contact"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Identity:
    """A bot's account on Telegram: the result of getMe."""

    name: str
    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message. Size in bytes, duration in seconds, 0 if unknown.

    `mime` and `name` are claims of the sender; a name is for people and never part of a path.
    """

    kind: MessageKind
    file_id: str
    size: int = 0
    duration: int = 0
    mime: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SharedContact:
    """A phone number that was sent as a contact. `user_id` is the id of its owner, 0 if they have no Telegram account.

    Source: https://core.telegram.org/bots/api#contact
    """

    phone: str
    user_id: int = 0


@dataclass(frozen=True, slots=True)
class EventPlace:
    """The chat of an event, and the ids of the updates that it is made of."""

    chat: ChatKey
    kind: ChatKind
    title: str
    update_ids: tuple[int, ...]
    turn_id: int | None = None


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message of a person. `addressed` is whether it is meant for this bot, `written_at` Telegram's date.

    `text` is the text of the message. `said` is the same text with marks at words that are not the person's own
    (`beseda.llm.quotation`), empty if there is nothing to mark. `quoted` is the text that the message replies to.
    `origin` is the author of a forwarded message. `edited` is whether the text replaces that of an earlier message.
    `last_piece` is the length, in UTF-16 units, of the message joined last, if several were joined.
    """

    place: EventPlace
    person: Person
    message_id: int
    text: str
    kind: MessageKind = MessageKind.TEXT
    attachment: Attachment | None = None
    contact: SharedContact | None = None
    command: str = ""
    addressed: bool = True
    forwarded: bool = False
    origin: str = ""
    quoted: tuple[Quotation, ...] = ()
    said: str = ""
    edited: bool = False
    album: str = ""
    last_piece: int = 0
    written_at: int = 0

    @property
    def words(self) -> str:
        """The words of the message as a model reads them."""
        return self.said or self.text

    def mark(self, heard: str) -> str:
        """Return words heard in the message's recording, marked like written ones."""
        return Quotation(self.origin, heard).write() if self.forwarded and heard else heard


@dataclass(frozen=True, slots=True)
class Press:
    """A press of an inline button under message `message_id`."""

    place: EventPlace
    person: Person
    query_id: str
    data: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class StopRequest:
    """The native stop button of draft `draft_id` was pressed."""

    place: EventPlace
    draft_id: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """A person blocked or unblocked the bot, or a group took it in or put it out."""

    place: EventPlace
    person: Person
    present: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A group has become a supergroup: from now on it is chat `chat_id`."""

    place: EventPlace
    chat_id: int


@dataclass(frozen=True, slots=True)
class Unhandled:
    """An update of a kind that no handler takes."""

    place: EventPlace


@dataclass(frozen=True, slots=True)
class Notice:
    """An internal event of a chat: an operator's message or a reminder. `data` is defined by its producer."""

    place: EventPlace
    person: Person
    kind: str
    data: Mapping[str, Any]


Event = Notice | IncomingMessage | Press | StopRequest | Membership | Move | Unhandled


def parse(update: StoredUpdate, content: Json, me: Identity) -> Event:
    """Return the event of an update. An update that does not follow the Bot API is logged and is `Unhandled`."""
    try:
        # Numbers below zero are our own: who brings Telegram's updates in refuses them.
        event = _notice(update, content["beseda"], me) if update.update_id < 0 else _known(update, content, me)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        log.warning("update %d of %s is not understood: %r", update.update_id, me.name, error)
        event = None
    return event or Unhandled(
        EventPlace(ChatKey(me.name, 0), ChatKind.PRIVATE, "", (update.update_id,), update.turn_id)
    )


def _known(update: StoredUpdate, content: Json, me: Identity) -> Event | None:
    if message := content.get("message"):
        return _move(update, message, me) or _message(update, message, me)
    if edited := content.get("edited_message"):
        return _edit(update, edited, me)
    if query := content.get("callback_query"):
        return _press(update, query, me)
    if stopped := content.get("stopped_message_generation"):
        return StopRequest(_place(update, stopped, me), int(stopped["draft_id"]))
    if member := content.get("my_chat_member"):
        present = member["new_chat_member"]["status"] not in {"kicked", "left"}
        return Membership(_place(update, member, me), read_person(member["from"]), present)
    return None


def _notice(update: StoredUpdate, content: Json, me: Identity) -> Notice:
    chat = content["chat"]
    place = EventPlace(
        chat=ChatKey(me.name, int(chat["id"]), int(chat["thread_id"])),
        kind=ChatKind(chat["type"]),
        title=str(chat["title"]),
        update_ids=(update.update_id,),
        turn_id=update.turn_id,
    )
    return Notice(place, read_person(content["user"]), str(content["kind"]), dict(content["data"]))


def _move(update: StoredUpdate, message: Json, me: Identity) -> Move | None:
    moved = message.get("migrate_to_chat_id")
    return None if moved is None else Move(_place(update, message, me), int(moved))


def _message(update: StoredUpdate, message: Json, me: Identity) -> IncomingMessage | None:
    person = read_speaker(message)
    if person is None or is_service(message):
        return None
    kind, attachment = _attachment(message)
    place = _place(update, message, me)
    raw = str(message.get("text") or message.get("caption") or "")
    entities = message.get("entities") or message.get("caption_entities") or ()
    command, addressee = _command(raw, entities)
    words = drop_controls(read_words(message))
    text = _without_mention(words, me) if place.kind is not ChatKind.PRIVATE else words
    forwarded = "forward_origin" in message
    origin = read_origin(message["forward_origin"]) if forwarded else ""
    return IncomingMessage(
        place=place,
        person=person,
        message_id=int(message["message_id"]),
        text=text,
        kind=kind,
        attachment=attachment,
        contact=_contact(message),
        command=command if addressee in {"", me.username.lower()} and not forwarded else "",
        addressed=place.kind is ChatKind.PRIVATE or _is_addressed(message, raw or words, addressee, me),
        forwarded=forwarded,
        origin=origin,
        quoted=read_quotations(message, me.id),
        said=_mark(message, text, origin, forwarded=forwarded),
        album=str(message.get("media_group_id", "")),
        written_at=int(message.get("date", 0)),
    )


def _edit(update: StoredUpdate, message: Json, me: Identity) -> IncomingMessage | None:
    """Return an edited message with its new text. Return None for a live location, and if the new text is a command."""
    event = _message(update, message, me)
    if event is None or event.command or not event.text or not ("text" in message or "caption" in message):
        return None
    return replace(event, edited=True)


def _mark(message: Json, text: str, origin: str, *, forwarded: bool) -> str:
    """Return the text with marks at words that are not the person's own, or an empty string if all of them are."""
    unseen = list_unseen(message) if text else []
    foreign = forwarded or "contact" in message
    if not text or not (unseen or foreign):
        return ""
    return "\n".join([*unseen, Quotation(origin, text).write() if foreign else text])


def _press(update: StoredUpdate, query: Json, me: Identity) -> Press | None:
    message = query.get("message")
    if message is None:
        return None  # a button under an inline message, which we never send
    return Press(
        place=_place(update, message, me),
        person=read_person(query["from"]),
        query_id=str(query["id"]),
        data=str(query.get("data", "")),
        message_id=message.get("message_id"),
    )


def _place(update: StoredUpdate, owner: Json, me: Identity) -> EventPlace:
    chat = owner["chat"]
    # A thread id outside a forum is only a chain of replies: still one conversation.
    thread = owner.get("message_thread_id", 0) if owner.get("is_topic_message") or "draft_id" in owner else 0
    return EventPlace(
        chat=ChatKey(me.name, int(chat["id"]), int(thread or 0)),
        kind=ChatKind(chat["type"]),
        title=str(chat.get("title", "")),
        update_ids=(update.update_id,),
        turn_id=update.turn_id,
    )


def _attachment(message: Json) -> tuple[MessageKind, Attachment | None]:
    if "text" in message or "rich_message" in message:
        return MessageKind.TEXT, None
    for kind in (MessageKind.VOICE, MessageKind.VIDEO_NOTE, MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DOCUMENT):
        if file := message.get(kind.value):
            size, duration = file.get("file_size", 0), file.get("duration", 0)
            name = drop_controls(str(file.get("file_name", "")))[:_LONGEST_NAME]
            return kind, Attachment(kind, file["file_id"], size, duration, _mime(file), name)
    if sizes := message.get("photo"):
        return MessageKind.PHOTO, Attachment(MessageKind.PHOTO, sizes[-1]["file_id"], sizes[-1].get("file_size", 0))
    return MessageKind.CONTACT if "contact" in message else MessageKind.OTHER, None


def _contact(message: Json) -> SharedContact | None:
    if (contact := message.get("contact")) is None:
        return None
    return SharedContact(drop_controls(str(contact["phone_number"])), int(contact.get("user_id", 0)))


def _mime(file: Json) -> str:
    """Return the MIME type that the sender claims, or that of the file name's ending if the claim is uninformative."""
    claimed = str(file.get("mime_type", "")).lower()
    return guess_mime(str(file.get("file_name", ""))) if claimed in _SAYS_NOTHING else claimed


_LONGEST_NAME = 200
_SAYS_NOTHING = {"", UNKNOWN, "binary/octet-stream", "application/x-download", "application/force-download"}


def _command(raw: str, entities: Any) -> tuple[str, str]:
    """Return the command at the beginning of a text and the bot name it addresses, both in lower case."""
    if not raw.startswith("/") or not any(e["type"] == "bot_command" and e["offset"] == 0 for e in entities):
        return "", ""
    name, _, addressee = raw.split(maxsplit=1)[0][1:].partition("@")
    return name.lower(), addressee.lower()


def _is_addressed(message: Json, raw: str, addressee: str, me: Identity) -> bool:
    if addressee:
        return addressee == me.username.lower()
    # A bare command may be any bot's: it is ours where the router knows it.
    return is_reply_to(message, me.id) or _mention(me).search(raw) is not None or _is_text_mention(message, me)


def _is_text_mention(message: Json, me: Identity) -> bool:
    entities = message.get("entities") or message.get("caption_entities") or ()
    return any(entity.get("user", {}).get("id") == me.id for entity in entities)


def _mention(me: Identity) -> re.Pattern[str]:
    # Not the beginning of another bot's name, nor part of an address; `re` keeps the last patterns.
    return re.compile(rf"(?<!\w)@{re.escape(me.username)}(?!\w)", re.IGNORECASE)


def _without_mention(text: str, me: Identity) -> str:
    found = _mention(me).search(text)
    return text if found is None else (text[: found.start()] + text[found.end() :]).strip(" ,:\n")
