"""The words of a Bot API message, in whichever field the message carries them.

Content is every field that is neither envelope nor a service field, so that a kind of message that is added to the Bot
API tomorrow is answered, if only by a refusal. Facts: https://core.telegram.org/bots/api#message
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from beseda.core.chat import SHARED_IDS, Person
from beseda.llm.quotation import LONGEST_NAME, Quotation, mark_unseen, one_line

Json = dict[str, Any]

SERVICE = frozenset(
    {
        "boost_added",
        "channel_chat_created",
        "chat_background_set",
        "chat_owner_changed",
        "chat_owner_left",
        "chat_shared",
        "checklist_tasks_added",
        "checklist_tasks_done",
        "community_chat_added",
        "community_chat_joined",
        "community_chat_removed",
        "connected_website",
        "delete_chat_photo",
        "direct_message_price_changed",
        "forum_topic_closed",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "gift",
        "gift_upgrade_sent",
        "giveaway_completed",
        "giveaway_created",
        "group_chat_created",
        "left_chat_member",
        "left_chat_participant",
        "managed_bot_created",
        "message_auto_delete_timer_changed",
        "migrate_from_chat_id",
        "migrate_to_chat_id",
        "new_chat_member",
        "new_chat_members",
        "new_chat_participant",
        "new_chat_photo",
        "new_chat_title",
        "paid_message_price_changed",
        "passport_data",
        "pinned_message",
        "poll_option_added",
        "poll_option_deleted",
        "proximity_alert_triggered",
        "refunded_payment",
        "successful_payment",
        "suggested_post_approval_failed",
        "suggested_post_approved",
        "suggested_post_declined",
        "suggested_post_paid",
        "suggested_post_refunded",
        "supergroup_chat_created",
        "unique_gift",
        "user_shared",
        "users_shared",
        "video_chat_ended",
        "video_chat_participants_invited",
        "video_chat_scheduled",
        "video_chat_started",
        "voice_chat_ended",
        "voice_chat_participants_invited",
        "voice_chat_scheduled",
        "voice_chat_started",
        "web_app_data",
        "write_access_allowed",
    }
)
"""Fields of messages that report an event in the chat: nobody wrote them, and nobody answers them."""

_FILES = ("photo", "live_photo", "video", "animation", "document", "audio", "voice", "video_note", "paid_media")
_DEPTH = 32  # of nested rich text; Telegram's own limit is 16


def is_service(message: Json) -> bool:
    """Return whether a message reports an event in the chat."""
    return not SERVICE.isdisjoint(message)


def read_words(message: Json) -> str:
    """Return the words of a message: its text or caption with the addresses under links, or its content in words."""
    for words, entities in (("text", "entities"), ("caption", "caption_entities")):
        if message.get(words):
            return write_links(str(message[words]), message.get(entities) or ())
    if rich := message.get("rich_message"):
        return "\n".join(filter(None, _read_blocks(rich.get("blocks") or (), _DEPTH))).strip()
    return "\n".join(_describe(message))


def list_unseen(message: Json) -> list[str]:
    """Return the marked lines for the files of a message, which only a few bots open."""
    # Telegram repeats an animation as a document.
    kinds = [kind for kind in _FILES if kind in message and not (kind == "document" and "animation" in message)]
    return [mark_unseen(kind) for kind in kinds[:1]]


def write_links(text: str, entities: Iterable[Json]) -> str:
    """Return a text with the address behind each label that hides one. Offsets count UTF-16 units."""
    marks = [(int(entity["offset"]) + int(entity["length"]), entity) for entity in entities if entity.get("url")]
    if not marks:
        return text
    units, last, parts = text.encode("utf-16-le", "surrogatepass"), 0, []
    for end, entity in sorted(marks, key=lambda mark: mark[0]):
        start, cut = 2 * int(entity["offset"]), 2 * end
        label, url = units[start:cut].decode("utf-16-le", "replace"), str(entity["url"])
        if label.strip() == url or cut < last:
            continue
        trail = len(label) - len(label.rstrip())
        parts += [units[last : cut - 2 * trail], f" ({url})".encode("utf-16-le", "surrogatepass")]
        last = cut - 2 * trail
    return b"".join([*parts, units[last:]]).decode("utf-16-le", "surrogatepass")


def read_quotations(message: Json, bot_id: int) -> tuple[Quotation, ...]:
    """Return the text that a message replies to, or only the quoted part if the sender selected one."""
    quote = message.get("quote") or {}
    if (replied := message.get("reply_to_message")) and not _is_topic_root(message, replied):
        author, by_bot = _author_of(replied), replied.get("from", {}).get("id") == bot_id
        text = write_links(str(quote.get("text") or ""), quote.get("entities") or ()) or _read_whole(replied)
        return (Quotation("you" if by_bot else author, text, by_bot),) if text else ()
    if external := message.get("external_reply"):
        text = str(quote.get("text") or "") or _read_whole(external)
        return (Quotation(read_origin(external.get("origin") or {}), text),) if text else ()
    return (Quotation("", str(quote["text"])),) if quote.get("text") else ()


def is_reply_to(message: Json, bot_id: int) -> bool:
    """Return whether a message replies to words of the bot; a service message of the bot has none."""
    replied = message.get("reply_to_message") or {}
    return replied.get("from", {}).get("id") == bot_id and not _is_topic_root(message, replied)


def read_origin(origin: Json) -> str:
    """Return the name of the first author of a forwarded message, or an empty string if there is no name."""
    user, chat = origin.get("sender_user"), origin.get("sender_chat") or origin.get("chat")
    name = origin.get("sender_user_name") or (name_user(user) if user else "") or (chat or {}).get("title")
    return one_line(str(name or ""), LONGEST_NAME)


def name_user(user: Json) -> str:
    """Return a user's first and last name."""
    return " ".join(str(part) for part in (user.get("first_name"), user.get("last_name")) if part)


def _is_topic_root(message: Json, replied: Json) -> bool:
    """Return whether the replied message is a service message: every message of a topic replies to its beginning."""
    root = message.get("message_thread_id") if message.get("is_topic_message") else None
    return is_service(replied) or (root is not None and replied.get("message_id") == root)


def _author_of(message: Json) -> str:
    chat = message.get("sender_chat")
    return str(chat.get("title") or "") if chat else name_user(message.get("from") or {})


def _read_whole(message: Json) -> str:
    """Return the words of a message that is replied to, its files named."""
    files = [f"[{kind.replace('_', ' ')}]" for kind in _FILES if kind in message][:1]
    return "\n".join(filter(None, [*files, read_words(message)]))


def _describe(message: Json) -> Iterator[str]:
    """Yield content without a text of its own in words."""
    for kind, write in _DESCRIBED.items():
        content = message.get(kind)
        if isinstance(content, dict) and (words := write(content)):
            yield words
            if kind == "venue":  # its location stands beside it once more
                return


def _write_poll(poll: Json) -> str:
    options = "; ".join(str(option.get("text", "")) for option in poll.get("options") or ())
    return " ".join(filter(None, [f"[poll] {poll.get('question', '')}", options and f"({options})"]))


def _write_checklist(checklist: Json) -> str:
    tasks = [f"- {task.get('text', '')}" for task in checklist.get("tasks") or ()]
    return "\n".join([f"[checklist] {checklist.get('title', '')}", *tasks])


def _write_contact(contact: Json) -> str:
    return f"[contact] {name_user(contact)} {contact.get('phone_number', '')}"


def _write_location(location: Json) -> str:
    return f"[location] {location.get('latitude')}, {location.get('longitude')}"


def _join_fields(kind: str, *names: str) -> Callable[[Json], str]:
    def write(content: Json) -> str:
        return f"[{kind}] " + ", ".join(str(content[name]) for name in names if content.get(name))

    return write


_DESCRIBED: dict[str, Callable[[Json], str]] = {
    "poll": _write_poll,
    "checklist": _write_checklist,
    "venue": _join_fields("venue", "title", "address"),
    "location": _write_location,
    "contact": _write_contact,
    "game": _join_fields("game", "title", "description"),
    "invoice": _join_fields("invoice", "title", "description"),
    "dice": _join_fields("dice", "emoji", "value"),
    "giveaway": _join_fields("giveaway", "prize_description", "winner_count"),
    "giveaway_winners": _join_fields("giveaway winners", "prize_description", "winner_count"),
}


def _read_blocks(blocks: Sequence[Any], depth: int) -> Iterator[str]:
    """Yield the words of rich blocks, a line for each; unknown kinds of block by the fields that carry words."""
    if depth <= 0:
        return
    for block in blocks:
        if isinstance(block, list):  # a row of a table
            yield " | ".join(_read_rich(cell, depth - 1) for cell in block)
        elif isinstance(block, dict):
            yield from _read_block(block, depth - 1)
        else:
            yield _read_rich(block, depth - 1)


def _read_block(block: Json, depth: int) -> Iterator[str]:
    if words := " ".join(filter(None, [str(block.get("label") or ""), _read_rich(block, depth)])):
        yield words
    for name in ("blocks", "items", "cells", "buttons"):
        if isinstance(nested := block.get(name), list):
            yield from _read_blocks(nested, depth)
    for name in ("caption", "credit"):
        if name in block:
            yield _read_rich(block[name], depth)


def _read_rich(text: Any, depth: int) -> str:
    """Return rich text flattened; a label is followed by the address under it."""
    if depth <= 0 or text is None:
        return ""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(_read_rich(part, depth - 1) for part in text)
    if not isinstance(text, dict):
        return ""
    inner = next(
        (text[name] for name in ("text", "summary", "expression", "alternative_text", "button") if text.get(name)), ""
    )
    words = _read_rich(inner, depth - 1)
    address = str(text.get("url") or "")
    return f"{words} ({address})" if address and address != words else words


def read_speaker(message: Json) -> Person | None:
    """Return the person or chat that wrote a message, or None if it was another bot or Telegram names no author."""
    user, chat = message.get("from") or {}, message.get("sender_chat")
    if chat is not None:
        name = one_line(str(chat.get("title") or message.get("author_signature") or ""), LONGEST_NAME)
        return Person(int(chat["id"]), name, str(chat.get("username") or ""), str(user.get("language_code") or ""))
    if not user or user.get("is_bot"):
        return None
    return read_person(user)


def read_person(user: Json) -> Person:
    """Return a Telegram user as a person."""
    name = one_line(name_user(user), LONGEST_NAME * 2)
    return Person(int(user["id"]), name, str(user.get("username") or ""), str(user.get("language_code") or ""))


def may_act_for(person: Person, asked_by: int) -> bool:
    """Return whether a person may answer a question that `asked_by` was asked.

    A chat's id stands for an administrator that Telegram does not name. In that chat any member may answer, as they may
    ask the question themselves.
    """
    return person.id == asked_by or asked_by < 0 or asked_by in SHARED_IDS
