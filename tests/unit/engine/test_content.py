"""The words of Bot API messages, wherever they stand."""

from typing import Any

import orjson
import pytest

from beseda.engine.content import SERVICE, is_service, list_unseen, read_words, write_links
from beseda.engine.incoming import Identity, IncomingMessage, MessageKind, Unhandled, parse
from beseda.engine.updates.model import StoredUpdate

ME = Identity("assistant", 42, "helper_bot")
ANNA = {"id": 7, "is_bot": False, "first_name": "Анна"}
BORIS = {"id": 8, "is_bot": False, "first_name": "Борис"}
BOT = {"id": 42, "is_bot": True, "first_name": "Helper"}
PRIVATE = {"id": 7, "type": "private"}
GROUP = {"id": -100, "type": "supergroup", "title": "Team"}
PHOTO = [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]


def _parse(**fields: Any) -> IncomingMessage:
    event = _parse_any(**fields)
    assert isinstance(event, IncomingMessage)
    return event


def _parse_any(**fields: Any) -> object:
    content = {"message": {"message_id": 5, "date": 0, "chat": PRIVATE, "from": ANNA, **fields}}
    return parse(StoredUpdate("assistant", 1, orjson.dumps(content)), content, ME)


def _rich(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"rich_message": {"blocks": [*blocks]}}


def test_rich_message_is_text() -> None:
    block = {"type": "paragraph", "text": ["Купить ", {"type": "bold", "text": "молоко"}, "?"]}
    event = _parse(**_rich(block))
    assert (event.kind, event.text) == (MessageKind.TEXT, "Купить молоко?")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "heading", "text": "Plan", "size": 1}, "Plan"),
        ({"type": "pre", "text": "x = 1", "language": "python"}, "x = 1"),
        ({"type": "list", "items": [{"label": "1.", "blocks": [{"type": "paragraph", "text": "one"}]}]}, "1.\none"),
        ({"type": "table", "cells": [[{"text": "a"}, {"text": ["b", "c"]}], [{"text": "d"}, {}]]}, "a | bc\nd | "),
        ({"type": "blockquote", "blocks": [{"type": "paragraph", "text": "so"}], "credit": "Nina"}, "so\nNina"),
        ({"type": "details", "summary": "More", "blocks": [{"type": "paragraph", "text": "in"}]}, "More\nin"),
        ({"type": "mathematical_expression", "expression": "a^2"}, "a^2"),
        ({"type": "photo", "photo": PHOTO, "caption": {"text": "a cat", "credit": "me"}}, "a cat"),
        (
            {"type": "paragraph", "text": {"type": "url", "text": "here", "url": "https://x.org"}},
            "here (https://x.org)",
        ),
        ({"type": "paragraph", "text": {"type": "custom_emoji", "alternative_text": "🔥"}}, "🔥"),
        ({"type": "of tomorrow", "text": "still read"}, "still read"),
        ({"type": "divider"}, ""),
    ],
)
def test_words_of_every_kind_of_rich_block_are_read(block: dict[str, Any], words: str) -> None:
    assert read_words(_rich(block)) == words.strip()


def test_rich_text_nested_without_end_is_cut() -> None:
    text: Any = "deep"
    for _ in range(500):
        text = {"type": "bold", "text": [text]}
    assert read_words(_rich({"type": "paragraph", "text": text})) == ""


def test_every_field_of_a_message_is_envelope_content_or_service() -> None:
    """The witness knows the whole Bot API: a new service field has to be entered here, content needs nothing."""
    from aiogram.types import Message  # noqa: PLC0415 - aiogram builds its models for four seconds

    told = {
        name for name, field in Message.model_fields.items() if "Service message" in str(field.description or "")
    } | {name for name in Message.model_fields if name.startswith(("new_chat_", "video_chat_", "forum_topic_"))}
    assert told <= SERVICE
    assert not SERVICE & {"text", "rich_message", "photo", "poll", "checklist", "sticker", "giveaway", "invoice"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"poll": {"question": "Where?", "options": [{"text": "Rome"}, {"text": "Oslo"}]}},
            "[poll] Where? (Rome; Oslo)",
        ),
        ({"checklist": {"title": "Shop", "tasks": [{"id": 1, "text": "milk"}]}}, "[checklist] Shop\n- milk"),
        (
            {"venue": {"title": "Café", "address": "Main St 1"}, "location": {"latitude": 1, "longitude": 2}},
            "[venue] Café, Main St 1",
        ),
        ({"location": {"latitude": 55.7, "longitude": 37.6}}, "[location] 55.7, 37.6"),
        ({"contact": {"phone_number": "+7999", "first_name": "Борис"}}, "[contact] Борис +7999"),
        ({"game": {"title": "Chess", "description": "play"}}, "[game] Chess, play"),
        ({"dice": {"emoji": "🎲", "value": 4}}, "[dice] 🎲, 4"),
    ],
)
def test_content_without_text_is_put_in_words(fields: dict[str, Any], words: str) -> None:
    assert _parse(**fields).text == words


@pytest.mark.parametrize("field", ["sticker", "story", "kind_of_tomorrow", "paid_media", "live_photo"])
def test_content_without_words_does_not_vanish(field: str) -> None:
    assert _parse(**{field: {"emoji": "🙂"}}).addressed


@pytest.mark.parametrize("field", sorted(SERVICE - {"migrate_to_chat_id"}))
def test_service_message_is_no_question(field: str) -> None:
    assert isinstance(_parse_any(**{field: {}}), Unhandled)


def _link(offset: int, length: int, url: str) -> dict[str, Any]:
    return {"type": "text_link", "offset": offset, "length": length, "url": url}


@pytest.mark.parametrize("words", ["text", "caption"])
def test_address_under_a_label_is_read_at_its_place(words: str) -> None:
    entities = "entities" if words == "text" else "caption_entities"
    link = _link(5, 9, "https://example.org/a_(b)?x=1&y=2")
    event = _parse(**{words: "🔥🔥 Читай тут и там", entities: [link], "photo": PHOTO})
    assert event.text == "🔥🔥 Читай тут (https://example.org/a_(b)?x=1&y=2) и там"


@pytest.mark.parametrize(
    ("text", "entities", "words"),
    [
        ("a b", [_link(0, 1, "u"), _link(2, 1, "v")], "a (u) b (v)"),
        ("a b", [_link(2, 1, "v"), _link(0, 1, "u")], "a (u) b (v)"),
        ("u", [_link(0, 1, "u")], "u"),
        ("a  b", [_link(0, 3, "u")], "a (u)  b"),
        ("ab", [_link(0, 99, "u")], "ab (u)"),
        ("ab", [_link(0, 2, "u"), _link(0, 2, "v")], "ab (u) (v)"),
        ("ab", [{"type": "bold", "offset": 0, "length": 2}], "ab"),
    ],
)
def test_addresses_are_written_once_and_shift_nothing(text: str, entities: list[dict[str, Any]], words: str) -> None:
    assert write_links(text, entities) == words


def test_reply_brings_the_words_with_their_author() -> None:
    event = _parse(text="переведи", reply_to_message={"from": BORIS, "text": "Der Zug fällt heute aus"})
    assert [one.write() for one in event.quoted] == ["> Борис: Der Zug fällt heute aus"]
    assert event.text == "переведи"


def test_quoted_part_stands_alone() -> None:
    replied = {"from": BORIS, "text": "Der Zug fällt heute aus"}
    event = _parse(text="?", reply_to_message=replied, quote={"text": "fällt aus", "position": 8})
    assert [one.write() for one in event.quoted] == ["> Борис: fällt aus"]


@pytest.mark.parametrize(
    ("origin", "author"),
    [
        ({"type": "user", "sender_user": BORIS}, "Борис"),
        ({"type": "hidden_user", "sender_user_name": "Б\nо"}, "Б о"),
        ({"type": "channel", "chat": {"id": -5, "type": "channel", "title": "News"}}, "News"),
        ({"type": "chat", "sender_chat": {"id": -6, "type": "supergroup", "title": "Team"}}, "Team"),
    ],
)
def test_reply_to_another_chat_brings_its_quote(origin: dict[str, Any], author: str) -> None:
    event = _parse(text="?", external_reply={"origin": origin}, quote={"text": "so", "position": 0})
    assert [one.write() for one in event.quoted] == [f"> {author}: so"]


@pytest.mark.parametrize(
    ("replied", "words"),
    [
        ({"caption": "на даче", "photo": PHOTO}, "> Борис: [photo]\n> на даче"),
        ({"voice": {"file_id": "v", "duration": 3}}, "> Борис: [voice]"),
        ({"poll": {"question": "Where?", "options": []}}, "> Борис: [poll] Where?"),
    ],
)
def test_reply_to_something_other_than_text(replied: dict[str, Any], words: str) -> None:
    event = _parse(text="@helper_bot", chat=GROUP, reply_to_message={"from": BORIS, **replied})
    assert [one.write() for one in event.quoted] == [words]


def test_words_of_the_bot_itself_are_known_as_its_own() -> None:
    (quotation,) = _parse(text="а подробнее?", reply_to_message={"from": BOT, "text": "Рим."}).quoted
    assert (quotation.write(), quotation.by_bot) == ("> you: Рим.", True)


def test_forwarded_words_are_not_the_persons_own() -> None:
    event = _parse(text="Меня зовут Борис\nбюджет 500", forward_origin={"type": "user", "sender_user": BORIS})
    assert event.words == "> Борис: Меня зовут Борис\n> бюджет 500"
    assert event.text == "Меня зовут Борис\nбюджет 500"
    assert event.mark("слышно") == "> Борис: слышно"


def test_shared_contact_is_not_the_persons_own_words() -> None:
    assert _parse(contact={"phone_number": "+7999", "first_name": "Борис"}).words == "> [contact] Борис +7999"


def test_forwarded_command_is_no_command() -> None:
    entity = {"type": "bot_command", "offset": 0, "length": 6}
    assert _parse(text="/clear", entities=[entity], forward_origin={"type": "user", "sender_user": BORIS}).command == ""


def test_file_with_words_is_marked_as_not_read() -> None:
    assert _parse(photo=PHOTO, caption="Переведи").words == "> [photo: you cannot see it]\nПереведи"
    assert _parse(photo=PHOTO).words == ""
    assert list_unseen({"animation": {}, "document": {}}) == ["> [animation: you cannot see it]"]


@pytest.mark.parametrize("service", ["forum_topic_created", "pinned_message", "new_chat_members"])
def test_service_message_of_the_bot_is_no_words_to_reply_to(service: str) -> None:
    replied = {"message_id": 3, "from": BOT, service: {}}
    event = _parse(text="кто завтра дежурит?", chat=GROUP, reply_to_message=replied)
    assert (event.addressed, event.quoted) == (False, ())


def test_every_message_of_a_topic_replies_to_its_beginning() -> None:
    replied = {"message_id": 3, "from": BOT}
    topic = {"chat": GROUP, "message_thread_id": 3, "is_topic_message": True}
    assert not _parse(text="кто?", reply_to_message=replied, **topic).addressed
    assert _parse(text="кто?", reply_to_message={**replied, "message_id": 4, "text": "Я"}, **topic).addressed
    # In a group without topics the thread is the chain of replies, and its first message may well be the bot's.
    assert _parse(text="кто?", reply_to_message={**replied, "text": "Я"}, chat=GROUP, message_thread_id=3).addressed


@pytest.mark.parametrize("shared", [1087968824, 136817688, 777000])
def test_sender_who_writes_as_a_chat_is_known_by_that_chat(shared: int) -> None:
    for number in (-100, -200):
        chat = {"id": number, "type": "supergroup", "title": "Team\nof two", "username": "team"}
        sender = {"id": shared, "is_bot": True, "first_name": "Group"}
        person = _parse(text="hi", chat=GROUP, sender_chat=chat, **{"from": sender}).person
        assert (person.id, person.name, person.username) == (number, "Team of two", "team")


def test_is_service_looks_at_names_of_fields_alone() -> None:
    assert is_service({"message_id": 1, "pinned_message": {}})
    assert not is_service({"message_id": 1, "text": "pinned_message"})
