"""Several messages that are one thing said."""

import asyncio
from dataclasses import replace

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.keyed_queues import Lane
from beseda.engine.incoming import Event, EventPlace, IncomingMessage, MessageKind, StopRequest
from beseda.engine.joining import Joiner, Openings
from beseda.llm.quotation import Quotation

CHAT = ChatKey("assistant", 7)


def _message(number: int, text: str = "hello", **fields: object) -> IncomingMessage:
    event = IncomingMessage(EventPlace(CHAT, ChatKind.PRIVATE, "", (number,)), Person(7, "Anna"), number, text)
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
    place = EventPlace(CHAT, ChatKind.PRIVATE, "", (1,), turn_id=99)
    first = _message(1, "one", place=place)
    second = _message(2, "two", place=replace(place, update_ids=(2,)))
    assert (await _take(first, second, _message(3, "three"))).place.update_ids == (1, 2)


async def test_other_events_pass_as_they_are() -> None:
    stop = StopRequest(EventPlace(CHAT, ChatKind.PRIVATE, "", (1,)))
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


async def test_comment_and_the_forwards_after_it_are_one_question() -> None:
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


async def _ids(*events: Event, joiner: Joiner | None = None) -> tuple[int, ...]:
    event = await (joiner or Joiner(patience=0.01, pause=0.01)).take(_lane(*events))
    assert isinstance(event, IncomingMessage)
    return event.place.update_ids


def test_usual_waits_are_short() -> None:
    assert Joiner() == Joiner(patience=0.8, pause=0.3, albums=True, bursts=True)


@pytest.mark.parametrize(("first", "ids"), [("a" * 4000, (1, 2)), ("a" * 3999, (1,)), ("ж" * 4000, (1, 2))])
async def test_piece_of_4000_units_may_go_on(first: str, ids: tuple[int, ...]) -> None:
    assert await _ids(_message(1, first), _message(2, "end")) == ids


@pytest.mark.parametrize(("text", "ids"), [("😀" * 2000, (1, 2)), ("😀" * 1999 + "a", (1,))])
async def test_emoji_counts_as_two_units(text: str, ids: tuple[int, ...]) -> None:
    assert await _ids(_message(1, text), _message(2, "end")) == ids


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("a" * 4096, "b", "a" * 4096 + "b"),
        ("a" * 4095, "b", "a" * 4095 + "\nb"),  # the client cut it at a word
        ("a" * 4095 + ".", "b", "a" * 4095 + ".\nb"),
        ("a" * 4096, " b", "a" * 4096 + "\n b"),
        ("a" * 4096, "", "a" * 4096),
    ],
)
async def test_seam_is_left_out_only_inside_a_word(first: str, second: str, text: str) -> None:
    assert (await _take(_message(1, first), _message(2, second))).text == text


async def test_forwarded_pieces_are_joined_with_a_seam() -> None:
    pieces = [_message(number, "a" * 4096, forwarded=True) for number in (1, 2)]
    assert (await _take(*pieces)).text == "a" * 4096 + "\n" + "a" * 4096


async def test_piece_without_words_ends_a_paste() -> None:
    event = await _take(_message(1, "a" * 4096), _message(2, ""), _message(3, "b"))
    assert (event.place.update_ids, event.last_piece) == ((1, 2), 1)


async def test_length_of_the_last_piece_is_that_of_its_units() -> None:
    event = await _take(_message(1, "a" * 4096), _message(2, "😀b"))
    assert event.last_piece == 3


@pytest.mark.parametrize(("length", "ids"), [(99_999, (1, 2)), (100_000, (1,))])
async def test_question_of_a_hundred_thousand_characters_is_whole(length: int, ids: tuple[int, ...]) -> None:
    assert await _ids(_message(1, "a" * length), _message(2, "b")) == ids


async def test_a_hundred_messages_are_joined_to_the_first() -> None:
    forwards = [_message(number, "x", forwarded=True) for number in range(1, 104)]
    assert await _ids(*forwards) == tuple(range(1, 102))


async def test_albums_may_be_taken_file_by_file() -> None:
    album = [_message(number, "", album="A", kind=MessageKind.PHOTO) for number in (1, 2)]
    assert await _ids(*album) == (1, 2)
    assert await asyncio.wait_for(_ids(*album, joiner=Joiner(patience=60, albums=False)), 1) == (1,)
    paste = (_message(1, "a" * 4096), _message(2, "b"))
    assert await _ids(*paste, joiner=Joiner(patience=0.01, albums=False)) == (1, 2)


@pytest.mark.parametrize(
    "other",
    [
        _message(2, "", album="A"),
        _message(2, "x", kind=MessageKind.PHOTO),
        _message(2, "x", forwarded=True),
        _message(2, "x", edited=True),
        replace(_message(2, "x"), place=EventPlace(CHAT, ChatKind.PRIVATE, "", (2,), turn_id=5)),
        StopRequest(EventPlace(CHAT, ChatKind.PRIVATE, "", (2,))),
    ],
)
async def test_other_kinds_of_event_end_a_paste(other: Event) -> None:
    assert await _ids(_message(1, "a" * 4096), other) == (1,)


async def test_album_takes_no_text_behind_it() -> None:
    assert await _ids(_message(1, "", album="A"), _message(2, "a nice one", album="")) == (1,)


async def test_edited_message_and_command_are_taken_alone() -> None:
    joiner = Joiner(patience=60, pause=60)
    edited = _message(1, "hello", edited=True)
    assert await asyncio.wait_for(joiner.take(_lane(edited, _message(2, "you"))), 1) == edited
    command = _message(1, "a" * 4096, command="ask")
    assert await asyncio.wait_for(joiner.take(_lane(command, _message(2, "b" * 9))), 1) == command


async def test_edit_of_a_piece_that_waits_takes_its_place() -> None:
    edit = replace(_message(3, "the end", edited=True), message_id=2)
    other = replace(_message(4, "of another", edited=True), message_id=9)
    event = await _take(_message(1, "a" * 4096), _message(2, "the ent"), edit, other)
    assert (event.text, event.place.update_ids) == ("a" * 4096 + "the end", (1, 2, 3))
    line = await _take_lines("hi")
    assert line.edited is False


async def test_turn_of_one_message_does_not_wait_for_others() -> None:
    place = EventPlace(CHAT, ChatKind.PRIVATE, "", (1,), turn_id=99)
    alone = _message(1, "a" * 4096, place=place)
    assert await asyncio.wait_for(_ids(alone, joiner=Joiner(patience=60, pause=60)), 1) == (1,)
    other = _message(2, "b", place=replace(place, update_ids=(2,), turn_id=98))
    assert await asyncio.wait_for(_ids(alone, other, joiner=Joiner(patience=60, pause=60)), 1) == (1,)


async def test_words_of_others_stay_marked_in_joined_messages() -> None:
    own = _message(1, "переведи", said="")
    quoted = _message(2, "это", quoted=(Quotation("Boris", "Der Zug"),))
    assert (await _take(own, quoted)).words == "переведи\n> Boris: Der Zug\nэто"
    assert (await _take(_message(1, "so", said="> so"), _message(2, "and"))).said == "> so\nand"
    assert (await _take(_message(1, "so"), _message(2, "and"))).said == ""


async def test_a_burst_is_of_eleven_lines() -> None:
    assert (await _take_lines(*["line"] * 13)).place.update_ids == tuple(range(1, 12))


async def test_bursts_may_be_off() -> None:
    lines = (_message(1, "hi"), _message(2, "listen"))
    assert await _ids(*lines) == (1, 2)
    assert await asyncio.wait_for(_ids(*lines, joiner=Joiner(pause=60, bursts=False)), 1) == (1,)


async def test_line_of_a_burst_has_forty_characters_at_most() -> None:
    assert (await _take_lines("x" * 40, "y")).place.update_ids == (1, 2)
    assert (await _take_lines("x" * 41, "y")).place.update_ids == (1,)
    assert (await _take_lines("x", "y" * 41, "z")).place.update_ids == (1, 2)
    assert (await _take_lines("", "y")).place.update_ids == (1,)
    assert (await _take_lines("x ", "y ", "z")).text == "x \ny \nz"


@pytest.mark.parametrize(
    "first",
    [
        _message(1, "hi", kind=MessageKind.VOICE),
        _message(1, "hi", command="start"),
        replace(_message(1, "hi"), place=EventPlace(CHAT, ChatKind.PRIVATE, "", (1,), turn_id=5)),
    ],
)
async def test_only_plain_text_begins_a_burst(first: IncomingMessage) -> None:
    assert await asyncio.wait_for(_ids(first, _message(2, "you"), joiner=Joiner(patience=60, pause=60)), 1) == (1,)


@pytest.mark.parametrize("first", [_message(1, "hi", forwarded=True), _message(1, "hi", album="A")])
async def test_forward_and_album_begin_no_burst(first: IncomingMessage) -> None:
    assert await _ids(first, _message(2, "you")) == (1,)


@pytest.mark.parametrize(
    "other",
    [
        _message(2, "you", edited=True),
        _message(2, "", album="A"),
        _message(2, "you", kind=MessageKind.VOICE),
        _message(2, "you", addressed=False),
        replace(_message(2, "you"), place=EventPlace(CHAT, ChatKind.PRIVATE, "", (2,), turn_id=5)),
        StopRequest(EventPlace(CHAT, ChatKind.PRIVATE, "", (2,))),
    ],
)
async def test_other_kinds_of_event_end_a_burst(other: Event) -> None:
    assert await _ids(_message(1, "hi"), other) == (1,)


@pytest.mark.parametrize(("later", "expected"), [(10.0, True), (10.125, False)])
def test_message_belongs_to_the_one_before_for_ten_seconds(later: float, expected: bool) -> None:
    openings = Openings()
    openings.note(_message(1, "a" * 4096), 100.0)
    assert openings.expects(_message(2, "end"), 100.0 + later) is expected
    elsewhere = replace(_message(3), place=EventPlace(ChatKey("assistant", 8), ChatKind.PRIVATE, "", (3,)))
    openings.note(elsewhere, 100.0 + later)
    assert openings.expects(_message(4, "end"), 100.0 + later) is expected


def test_only_a_message_that_may_go_on_is_remembered() -> None:
    openings = Openings()
    assert not openings.expects(_message(1, "x"), 0.0)
    openings.note(_message(1, "hello"), 0.0)
    openings.note(StopRequest(EventPlace(CHAT, ChatKind.PRIVATE, "", (1,))), 0.0)
    assert not openings.expects(_message(2, "end"), 0.0)
    openings.note(_message(3, "x", forwarded=True), 0.0)
    assert openings.expects(_message(4, "y", forwarded=True), 0.0)
    assert not openings.expects(_message(4, "y"), 0.0)
    assert not openings.expects(StopRequest(EventPlace(CHAT, ChatKind.PRIVATE, "", (1,))), 0.0)
    elsewhere = replace(
        _message(5, "y", forwarded=True), place=EventPlace(ChatKey("media", 7), ChatKind.PRIVATE, "", (5,))
    )
    assert not openings.expects(elsewhere, 0.0)
