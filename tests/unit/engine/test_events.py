"""Updates as handlers see them."""

from typing import Any

import orjson
import pytest

from beseda.engine.incoming import (
    Event,
    Identity,
    IncomingMessage,
    Membership,
    MessageKind,
    SharedContact,
    StopRequest,
    Unhandled,
    parse,
)
from beseda.engine.updates.model import StoredUpdate

ME = Identity("assistant", 42, "Helper_Bot")
ANNA = {"id": 7, "is_bot": False, "first_name": "Анна", "last_name": "И", "language_code": "ru"}
GROUP = {"id": -100, "type": "supergroup", "title": "Team"}


def _parse(content: dict[str, Any]) -> Event:
    return parse(StoredUpdate("assistant", 1, orjson.dumps(content)), content, ME)


def _message(text: str, **fields: Any) -> IncomingMessage:
    message = {"message_id": 5, "date": 0, "chat": {"id": 7, "type": "private"}, "from": ANNA, "text": text, **fields}
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
    event = _parse({"message": message})
    assert isinstance(event, IncomingMessage)
    return event


@pytest.mark.parametrize(
    ("text", "command", "addressed"),
    [
        ("/start", "start", False),
        ("/weather @helper_bot", "weather", True),
        ("/Start@helper_bot now", "start", True),
        ("/start@another_bot", "", False),
        ("hello /start", "", False),
        ("hello @HELPER_BOT", "", True),
        ("hello @helper", "", False),
        ("hello @helper_bot2", "", False),
        ("write to x@helper_bot", "", False),
        ("hello @helper_bot!", "", True),
    ],
)
def test_group_message_is_addressed_by_command_or_mention(text: str, command: str, *, addressed: bool) -> None:
    event = _message(text, chat=GROUP)
    assert (event.command, event.addressed) == (command, addressed)


def test_mention_is_taken_out_of_a_group_message() -> None:
    assert _message("@helper_bot, how are you?", chat=GROUP).text == "how are you?"


def test_mention_is_found_behind_letters_that_grow_in_lower_case() -> None:
    assert _message("İİ, @helper_bot", chat=GROUP).text == "İİ"


def test_reply_to_the_bot_is_addressed() -> None:
    assert _message("thanks", chat=GROUP, reply_to_message={"from": {"id": 42}}).addressed
    assert not _message("thanks", chat=GROUP, reply_to_message={"from": {"id": 43}}).addressed


def test_topic_is_part_of_the_place_only_in_a_forum() -> None:
    assert _message("x", chat=GROUP, message_thread_id=9, is_topic_message=True).place.chat.thread_id == 9
    assert _message("x", chat=GROUP, message_thread_id=9).place.chat.thread_id == 0


def test_invisible_characters_are_taken_out() -> None:
    assert _message("\u200b a\x00b\tc\n\x07").text == "ab\tc"


def test_another_bot_is_not_heard() -> None:
    bot = {"id": 9, "is_bot": True, "first_name": "Other"}
    message = {"message_id": 5, "date": 0, "chat": GROUP, "from": bot, "text": "@helper_bot hi"}
    assert isinstance(_parse({"message": message}), Unhandled)


def test_largest_photo_is_the_attachment() -> None:
    sizes = [{"file_id": "small"}, {"file_id": "large", "file_size": 9}]
    message = {"message_id": 5, "date": 0, "chat": GROUP, "from": ANNA, "photo": sizes, "caption": "look"}
    event = _parse({"message": message})
    assert isinstance(event, IncomingMessage)
    assert event.attachment is not None
    assert (event.kind, event.attachment.file_id, event.text) == (MessageKind.PHOTO, "large", "look")


def test_stop_of_a_draft_knows_its_topic() -> None:
    event = _parse({"stopped_message_generation": {"chat": GROUP, "draft_id": 3, "message_thread_id": 8}})
    assert isinstance(event, StopRequest)
    assert event.place.chat.thread_id == 8


@pytest.mark.parametrize(("status", "present"), [("kicked", False), ("left", False), ("member", True)])
def test_membership_shows_that_the_bot_is_let_in(status: str, *, present: bool) -> None:
    event = _parse({"my_chat_member": {"chat": GROUP, "from": ANNA, "new_chat_member": {"status": status}}})
    assert isinstance(event, Membership)
    assert event.present is present


def test_anonymous_administrator_is_heard_and_another_bot_is_not() -> None:
    speaker = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    message = {"message_id": 5, "date": 0, "chat": GROUP, "from": speaker, "text": "@helper_bot hi"}
    event = _parse({"message": {**message, "sender_chat": GROUP}})
    assert isinstance(event, IncomingMessage) and event.addressed
    assert isinstance(_parse({"message": message}), Unhandled)


def test_number_beyond_all_bounds_is_not_understood() -> None:
    assert isinstance(_parse({"message": {"message_id": float("inf"), "chat": GROUP, "from": ANNA}}), Unhandled)


def _contact(**contact: Any) -> IncomingMessage:
    message = {"message_id": 5, "date": 0, "chat": {"id": 7, "type": "private"}, "from": ANNA, "contact": contact}
    event = _parse({"message": message})
    assert isinstance(event, IncomingMessage)
    return event


def test_contact_names_its_owner() -> None:
    own = _contact(phone_number="+79123456789", first_name="A", user_id=7)
    assert (own.kind, own.contact) == (MessageKind.CONTACT, SharedContact("+79123456789", 7))
    assert _contact(phone_number="79123456789", first_name="A").contact == SharedContact("79123456789", 0)


def test_contact_without_a_number_is_not_understood() -> None:
    message = {"message_id": 5, "date": 0, "chat": {"id": 7, "type": "private"}, "from": ANNA, "contact": {}}
    assert isinstance(_parse({"message": message}), Unhandled)
