"""Several messages that are one thing said."""

import asyncio
from dataclasses import replace

import pytest

from beseda.dispatch.events import Event, IncomingMessage, Place, StopRequest
from beseda.dispatch.joining import Joiner
from beseda.domain.conversation import ChatKey, ChatKind, Person
from beseda.kit.lanes import Lane

CHAT = ChatKey("assistant", 7)


def _message(number: int, text: str = "hello", **fields: object) -> IncomingMessage:
    event = IncomingMessage(Place(CHAT, ChatKind.PRIVATE, "", (number,)), Person(7, "Anna"), number, text)
    return replace(event, **fields)  # type: ignore[arg-type] # the fields of the event, by name


def _lane(*events: Event) -> Lane[Event]:
    lane: Lane[Event] = Lane()
    for event in events:
        lane.put(event)
    return lane


async def _take(*events: Event) -> IncomingMessage:
    event = await Joiner(patience=0.02).take(_lane(*events))
    assert isinstance(event, IncomingMessage)
    return event


async def test_ordinary_message_waits_for_nothing() -> None:
    joiner = Joiner(patience=60, pause=60)
    event = await asyncio.wait_for(joiner.take(_lane(_message(1, "How are you?"), _message(2))), 1)
    assert event.place.update_ids == (1,)


async def test_pieces_of_a_paste_are_joined_without_a_seam_in_a_word() -> None:
    event = await _take(_message(1, "a" * 4096), _message(2, "b" * 4096), _message(3, "end"), _message(4))
    assert event.text == "a" * 4096 + "b" * 4096 + "end"
    assert event.place.update_ids == (1, 2, 3)


async def test_paste_of_emoji_is_measured_as_telegram_does() -> None:
    event = await _take(_message(1, "😀" * 2048), _message(2, "😀" * 2048), _message(3, "end"), _message(4))
    assert event.place.update_ids == (1, 2, 3)


async def test_paste_whose_next_piece_does_not_come_is_taken_as_it_is() -> None:
    assert (await _take(_message(1, "a" * 4096))).place.update_ids == (1,)


async def test_forwards_are_joined_and_a_comment_after_them_is_not() -> None:
    event = await _take(_message(1, "x", forwarded=True), _message(2, "y", forwarded=True), _message(3, "what is it?"))
    assert (event.text, event.place.update_ids) == ("x\ny", (1, 2))


async def test_album_is_joined_by_its_id() -> None:
    event = await _take(_message(1, "caption", album="A"), _message(2, "", album="A"), _message(3, "", album="B"))
    assert (event.text, event.place.update_ids) == ("caption", (1, 2))


async def test_messages_of_different_people_are_not_joined() -> None:
    other = replace(_message(2, "b"), person=Person(8, "Boris"))
    assert (await _take(_message(1, "a" * 4096), other)).place.update_ids == (1,)


async def test_command_ends_a_paste() -> None:
    assert (await _take(_message(1, "a" * 4096), _message(2, "/help", command="help"))).place.update_ids == (1,)


async def test_messages_of_one_turn_are_joined_again_after_a_crash() -> None:
    place = Place(CHAT, ChatKind.PRIVATE, "", (1,), turn_id=99)
    first = _message(1, "one", place=place)
    second = _message(2, "two", place=replace(place, update_ids=(2,)))
    assert (await _take(first, second, _message(3, "three"))).place.update_ids == (1, 2)


async def test_other_events_pass_as_they_are() -> None:
    stop = StopRequest(Place(CHAT, ChatKind.PRIVATE, "", (1,)))
    assert await Joiner().take(_lane(stop)) is stop


async def _take_lines(*texts: str, pause: float = 0.02) -> IncomingMessage:
    lines = [_message(number, text) for number, text in enumerate(texts, 1)]
    event = await Joiner(pause=pause).take(_lane(*lines))
    assert isinstance(event, IncomingMessage)
    return event


async def test_burst_of_short_lines_is_one_question() -> None:
    event = await _take_lines("привет", "слушай", "а вот", "как думаешь", "купить молоко?", "и хлеб")
    assert event.text == "привет\nслушай\nа вот\nкак думаешь\nкупить молоко?"
    assert event.place.update_ids == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("text", ["Как дела?", "Привет!", "42", "перезвоните на 8 999", "x" * 41])
async def test_whole_sentence_number_or_long_line_waits_for_nothing(text: str) -> None:
    event = await asyncio.wait_for(_take_lines(text, "next", pause=60), 1)
    assert event.text == text


async def test_line_alone_waits_for_a_moment_only() -> None:
    assert (await asyncio.wait_for(_take_lines("привет", pause=0.02), 1)).text == "привет"


async def test_burst_is_of_one_person_and_ends_with_a_command() -> None:
    lane = _lane(_message(1, "привет"), replace(_message(2, "слушай"), person=Person(8, "Boris")))
    event = await Joiner(pause=0.02).take(lane)
    assert isinstance(event, IncomingMessage) and event.text == "привет"
    event = await Joiner(pause=0.02).take(_lane(_message(1, "привет"), _message(2, "/help", command="help")))
    assert isinstance(event, IncomingMessage) and event.text == "привет"


async def test_comment_and_what_is_forwarded_after_it_are_one_question() -> None:
    forwarded = _message(2, "Der Zug", forwarded=True, said="> Boris: Der Zug")
    event = await Joiner(pause=0.02).take(_lane(_message(1, "переведи"), forwarded))
    assert isinstance(event, IncomingMessage)
    assert event.words == "переведи\n> Boris: Der Zug"


async def test_newest_words_of_a_waiting_message_are_taken() -> None:
    edit = _message(3, "Сколько будет 3+3?", edited=True)
    event = await Joiner().take(
        _lane(_message(1, "Сколько будет 2+3?"), _message(2, "И ещё?"), replace(edit, message_id=1))
    )
    assert isinstance(event, IncomingMessage)
    assert (event.text, event.place.update_ids, event.edited) == ("Сколько будет 3+3?", (1, 3), False)
