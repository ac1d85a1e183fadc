"""Updates as received from Telegram, before they are parsed, and internal updates of the program."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.ids import new_id
from beseda.telegram.part import COMMON_BOX, message_box

PARTITIONS = 64  # of a bot's chats: what replicas share out among them; a change needs a migration of what is stored


class Tries(NamedTuple):
    """Counts of the work on an update: `begun` and not ended by an error or a shutdown, and `failed` by an error.

    Work that a process began and that did not end is a crash of that process. `evidence` counts begun tries during
    which no other suspect was worked on.
    """

    begun: int = 0
    failed: int = 0
    evidence: int = 0


UNTRIED = Tries()


@dataclass(frozen=True, slots=True)
class StoredUpdate:
    """One raw update of one bot. `payload` is Telegram's JSON; `turn_id` is set once a turn was opened for it.

    One with a negative number is our own. `partition` is that of its chat, `queue` the key of the queue that keeps its
    chat and topic in order, "" for an update stored before there were any. One that is `done` needs no work.
    `message_id` is that of the message that it brought, if any, counted in `message_box`.
    """

    bot: str
    update_id: int
    payload: bytes
    turn_id: int | None = None
    partition: int = 0
    queue: str = ""
    tries: Tries = UNTRIED
    done: bool = False
    message_id: int | None = None
    message_box: int = COMMON_BOX


def find_message_id(content: Mapping[str, Any]) -> tuple[int | None, int]:
    """Return the id of the message that an update brought, and the counter it comes from."""
    for brought in content.values():
        if isinstance(brought, dict) and type(number := brought.get("message_id")) is int:
            chat = brought.get("chat")
            if isinstance(chat, dict) and type(chat_id := chat.get("id")) is int and max(number, -chat_id) < 2**63:
                return number, message_box(chat_id)
    return None, COMMON_BOX


def partition_of(chat_id: int) -> int:
    """Return the part of a bot's chats that a chat belongs to: topics of one chat share its limits and its part."""
    return zlib.crc32(b"%d" % chat_id) % PARTITIONS


def queue_of(chat: ChatKey) -> str:
    """Return the key of the queue that keeps a chat and topic in order."""
    return f"{chat.chat_id}:{chat.thread_id}"


def move_content(content: Any, old: int, new: int) -> Any:
    """Return the content of an update with its chat `old`, a group, replaced by `new`, the supergroup it has become."""
    if isinstance(content, list):
        return [move_content(item, old, new) for item in content]
    if not isinstance(content, dict):
        return content
    moved = {name: move_content(value, old, new) for name, value in content.items()}
    chat = moved.get("chat")
    if isinstance(chat, dict) and chat.get("id") == old:
        moved["chat"] = {**chat, "id": new, "type": ChatKind.SUPERGROUP.value}
    return moved


def internal_update(
    bot: str, kind: str, conversation: Conversation, person: Person, data: Mapping[str, object]
) -> StoredUpdate:
    """Return an internal update: work to be done once, in order, in the queue of a chat, from any process.

    Store it, then publish its number under `updates:{bot}`. It is dispatched as a `Notice` of this kind.
    """
    number, key = -new_id(), conversation.key
    content = {
        "kind": kind,
        "chat": {
            "id": key.chat_id,
            "type": conversation.kind.value,
            "title": conversation.title,
            "thread_id": key.thread_id,
        },
        "user": {
            "id": person.id,
            "first_name": person.name,
            "username": person.username,
            "language_code": person.language,
        },
        "data": data,
    }
    payload = orjson.dumps({"update_id": number, "beseda": content}, option=orjson.OPT_NON_STR_KEYS)
    return StoredUpdate(bot, number, payload, partition=partition_of(key.chat_id), queue=queue_of(key))
