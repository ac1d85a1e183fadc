"""The outbox while the database or the connection is away, over a record and a messenger in memory."""

import asyncio
from dataclasses import dataclass, field

import pytest

from beseda.core.chat import ChatKey, ChatKind, Conversation
from beseda.core.errors import RowRefusedError, StorageError, TelegramGoneError, TelegramUnansweredError
from beseda.engine.turns.delivery import Delivery, SentRecords
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.telegram.base import Begin, LiveAnswer, LiveRequest, LookupResult, Target
from beseda.telegram.keyboards import Markup
from beseda.telegram.part import Part, PartState
from tests.parts.waiting import eventually

_CONVERSATION = Conversation(1, ChatKey("assistant", 7), ChatKind.PRIVATE, "")
_TARGET = Target(_CONVERSATION.key, ChatKind.PRIVATE)


@dataclass
class _Record(TurnRepository):
    """Parts in memory; `away` calls are refused as by a database that is away."""

    away: int = 0
    steps: list[tuple[str, PartState, int | None]] = field(default_factory=list)

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        part.state = PartState.SENDING
        self.steps.append(("sending", part.state, part.message_id))

    async def mark_placed(self, turn: Turn, part: Part) -> None:
        self._write("placed", part)

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        self._write("sent", part)

    async def finish(self, turn: Turn) -> None:
        self.steps.append(("finish", PartState.SENT, None))

    def _write(self, step: str, part: Part) -> None:
        if self.away:
            self.away -= 1
            raise StorageError("away")
        self.steps.append((step, part.state, part.message_id))


@dataclass
class _Voice:
    """A messenger whose calls end in these outcomes, and its searches in these findings."""

    outcomes: list[int | Exception]
    findings: list[LookupResult] = field(default_factory=list)
    puts: list[int | None] = field(default_factory=list)

    async def compose(self, markdown: str, keyboard: Markup = ()) -> list[Part]:
        return [Part(0, markdown)]

    def is_free(self, target: Target) -> bool:
        return True

    def is_closed(self, target: Target) -> bool:
        return False

    async def put(self, target: Target, part: Part, begin: Begin) -> int:
        self.puts.append(part.message_id)
        if part.message_id is None:
            await begin()
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, TelegramUnansweredError):
            part.state = PartState.UNKNOWN
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def edit(self, target: Target, part: Part) -> int:
        raise NotImplementedError

    async def look_up(self, target: Target, part: Part) -> LookupResult:
        return self.findings.pop(0)

    def live(self, request: LiveRequest) -> LiveAnswer:
        raise NotImplementedError


def _turn(*parts: Part) -> Turn:
    return Turn(1, _CONVERSATION, 7, TurnKind.CHAT, state=TurnState.ANSWERED, parts=list(parts))


_LOST = TelegramUnansweredError("sendMessage", description="ServerDisconnectedError")


async def test_message_that_is_known_to_be_sent_is_recorded_when_the_database_is_back() -> None:
    record, voice, turn = _Record(away=3), _Voice([70]), _turn(Part(0, "hello"))
    await Delivery(voice, record).deliver(turn, _TARGET)
    assert voice.puts == [None]
    assert record.steps == [("sending", PartState.SENDING, None), ("sent", PartState.SENT, 70)]
    assert turn.state is TurnState.DELIVERED


async def test_fact_is_written_although_its_caller_was_cancelled() -> None:
    record, voice, turn = _Record(away=1), _Voice([70]), _turn(Part(0, "hello"))
    delivery = Delivery(voice, record)
    task = asyncio.create_task(delivery.deliver(turn, _TARGET))

    async def is_refused() -> bool:
        return record.away == 0

    await eventually(is_refused)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await delivery.close(within=5)
    assert record.steps[-1] == ("sent", PartState.SENT, 70)


async def test_second_part_waits_for_the_row_of_the_first() -> None:
    record, voice = _Record(away=2), _Voice([70, 71])
    await Delivery(voice, record).deliver(_turn(Part(0, "one"), Part(1, "two")), _TARGET)
    assert [step[0] for step in record.steps] == ["sending", "sent", "sending", "sent"]


async def test_row_that_the_database_refuses_is_not_tried_for_ever() -> None:
    async def refuse() -> None:
        raise RowRefusedError("no")

    with pytest.raises(RowRefusedError):
        await SentRecords().keep(refuse)


async def test_lost_part_that_is_found_is_not_sent_again() -> None:
    record, voice = _Record(), _Voice([_LOST], [LookupResult(70, is_certain=True)])
    await Delivery(voice, record).deliver(_turn(Part(0, "hello")), _TARGET)
    assert voice.puts == [None]
    assert record.steps[-1] == ("sent", PartState.SENT, 70)


async def test_lost_part_that_is_found_with_its_first_words_is_edited_to_the_whole() -> None:
    record, voice = _Record(), _Voice([70], [LookupResult(70, is_certain=True)])
    part = Part(0, "whole", state=PartState.UNKNOWN, sent_as=Part(0, "wh").content())
    await Delivery(voice, record).deliver(_turn(part), _TARGET)
    assert voice.puts == [70]
    assert [step[0] for step in record.steps] == ["placed", "sent"]


async def test_lost_part_that_proves_nothing_is_repeated_once_and_then_left() -> None:
    record, voice, turn = _Record(), _Voice([_LOST, _LOST, 72], [LookupResult(None)] * 3), _turn(Part(0, "hello"))
    await Delivery(voice, record).deliver(turn, _TARGET)
    assert voice.puts == [None, None]
    assert [part.state for part in turn.parts] == [PartState.UNCONFIRMED]
    assert turn.state is TurnState.DELIVERED
    assert record.steps[-1] == ("sent", PartState.UNCONFIRMED, None)


async def test_part_repeated_before_a_crash_is_not_repeated_after_it() -> None:
    record, voice = _Record(), _Voice([], [LookupResult(None)])
    await Delivery(voice, record).deliver(_turn(Part(0, "hello", state=PartState.UNKNOWN, repeats=1)), _TARGET)
    assert voice.puts == []


async def test_part_that_surely_was_not_sent_is_sent_again() -> None:
    record, voice = _Record(), _Voice([_LOST, _LOST, 72], [LookupResult(None, is_certain=True)] * 2)
    await Delivery(voice, record).deliver(_turn(Part(0, "hello")), _TARGET)
    assert voice.puts == [None, None, None]
    assert record.steps[-1] == ("sent", PartState.SENT, 72)


async def test_part_killed_twice_before_its_call_is_not_given_up_after_a_search() -> None:
    record, voice = _Record(), _Voice([72], [LookupResult(None, is_searched=True)])
    await Delivery(voice, record).deliver(_turn(Part(0, "hello", state=PartState.UNKNOWN, repeats=2)), _TARGET)
    assert record.steps[-1] == ("sent", PartState.SENT, 72)


async def test_part_whose_message_is_gone_is_forgotten_and_marked_before_it_is_sent_again() -> None:
    record, voice = _Record(), _Voice([TelegramGoneError(description="gone"), 71])
    await Delivery(voice, record).deliver(_turn(Part(0, "hello", message_id=70)), _TARGET)
    assert voice.puts == [70, None]
    assert [(step, number) for step, _, number in record.steps] == [("placed", None), ("sending", None), ("sent", 71)]


async def test_progress_whose_send_stays_unknown_is_shown_no_more() -> None:
    record, voice, part = _Record(), _Voice([_LOST, _LOST], [LookupResult(None)] * 2), Part(0, "1 %")
    delivery = Delivery(voice, record)
    await delivery.show(_turn(), part, _TARGET)
    part.html = "2 %"
    await delivery.show(_turn(), part, _TARGET)
    assert voice.puts == [None, None]
