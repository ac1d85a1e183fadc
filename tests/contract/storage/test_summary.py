from dataclasses import replace

import pytest

from beseda.app_personal_data import PERSONAL_DATA
from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.engine.conversations.summary_repository import SummaryRepository
from beseda.engine.events.model import EventFilter
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.model import FileOwner
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.telegram.part import Part
from tests.contract.storage.world import World

ANYA, BORYA = Person(7, "Аня"), Person(8, "Боря")
WINDOW = 3


class Talk:
    """A conversation and its summaries."""

    def __init__(self, world: World, conversation: Conversation) -> None:
        self.world = world
        self.conversation = conversation
        self.store = SummaryRepository(world.database)

    @property
    def id(self) -> int:
        return self.conversation.id

    async def exchange(self, text: str, person: Person = ANYA) -> int:
        """Have somebody say something and be answered; return the turn."""
        turn = Turn(new_id(), self.conversation, person.id, TurnKind.CHAT, (), None, text)
        await self.world.turns.open(turn, Message(Role.USER, text))
        answered = replace(turn, state=TurnState.ANSWERED, parts=[Part(0, "…")])
        await self.world.turns.answer(answered, Message(Role.ASSISTANT, f"re: {text}"), None)
        return turn.id

    async def remark(self, text: str) -> None:
        """Have an operator say something that answers nobody."""
        turn = Turn(new_id(), self.conversation, ANYA.id, TurnKind.COMMAND, state=TurnState.ANSWERED)
        await self.world.turns.answer(turn, Message(Role.ASSISTANT, text), None)

    async def sum_up(self, text: str, limit: int = 100) -> bool:
        piece = await self.store.next_piece(self.id, WINDOW, limit)
        assert piece is not None
        return await self.store.save(piece, text, "demo") is not None


@pytest.fixture
async def talk(world: World) -> Talk:
    key = ChatKey("assistant", -100)
    await world.conversations.open(key, ChatKind.GROUP, "G", BORYA)
    return Talk(world, await world.conversations.open(key, ChatKind.GROUP, "G", ANYA))


async def test_messages_in_the_window_are_not_counted(talk: Talk) -> None:
    assert await talk.store.count(talk.id, WINDOW) == 0
    for number in range(4):
        await talk.exchange(str(number))
    # With a new message three more are shown, and of these the answer whose question is gone is left out.
    assert await talk.store.count(talk.id, WINDOW) == 6
    piece = await talk.store.next_piece(talk.id, WINDOW, 100)
    assert piece is not None
    assert [message.content for message in piece.messages] == ["0", "re: 0", "1", "re: 1", "2", "re: 2"]


async def test_answers_that_the_window_drops_are_summed_up(talk: Talk) -> None:
    await talk.exchange("0")
    for text in ("a", "b", "c"):
        await talk.remark(text)
    await talk.exchange("1")
    # Of the last three messages c is left out: a prompt begins with a person's message.
    piece = await talk.store.next_piece(talk.id, WINDOW, 100)
    assert piece is not None
    assert [message.content for message in piece.messages] == ["0", "re: 0", "a", "b", "c"]


async def test_window_without_a_word_of_a_person_is_summed_up(talk: Talk) -> None:
    await talk.exchange("0")
    for text in ("a", "b", "c", "d"):
        await talk.remark(text)
    assert await talk.store.count(talk.id, WINDOW) == 6


async def test_summary_grows_by_the_messages_after_it(talk: Talk) -> None:
    for number in range(4):
        await talk.exchange(str(number))
    assert await talk.sum_up("0 to 2")
    assert await talk.store.next_piece(talk.id, WINDOW, 100) is None
    await talk.exchange("4")
    piece = await talk.store.next_piece(talk.id, WINDOW, 100)
    assert piece is not None
    assert piece.base is not None
    assert (piece.base.text, [message.content for message in piece.messages]) == ("0 to 2", ["3", "re: 3"])
    assert await talk.sum_up("0, 1 and 2")
    summary = await talk.store.find(talk.id)
    assert summary is not None
    assert (summary.text, summary.cutoff, summary.model) == ("0, 1 and 2", piece.cutoff, "demo")


async def test_pieces_are_whole_turns(talk: Talk) -> None:
    for number in range(5):
        await talk.exchange(str(number))
    piece = await talk.store.next_piece(talk.id, WINDOW, 3)
    assert piece is not None
    assert [message.content for message in piece.messages] == ["0", "re: 0"]


async def test_two_concurrent_summaries_leave_one(talk: Talk) -> None:
    for number in range(4):
        await talk.exchange(str(number))
    first, second = [await talk.store.next_piece(talk.id, WINDOW, 100) for _ in range(2)]
    assert first is not None
    assert second is not None
    assert await talk.store.save(first, "first", "demo")
    assert await talk.store.save(second, "second", "demo") is None


async def test_wiping_forgets_the_summary_and_the_one_being_written(talk: Talk) -> None:
    for number in range(4):
        await talk.exchange(str(number))
    assert await talk.sum_up("old")
    await talk.exchange("4")
    piece = await talk.store.next_piece(talk.id, WINDOW, 100)
    assert piece is not None
    await talk.world.conversations.clear(talk.conversation)
    assert await talk.store.find(talk.id) is None
    assert await talk.store.save(piece, "late", "demo") is None
    assert await talk.store.find(talk.id) is None


async def test_forgetting_a_person_forgets_the_summaries_with_them(talk: Talk) -> None:
    for number in range(4):
        await talk.exchange(str(number), BORYA if number else ANYA)
    assert await talk.sum_up("Anya said 0")
    happenings = EventRepository(talk.world.database)
    [told] = await happenings.list(EventFilter(bot="assistant"), limit=10)
    assert told.data == {"conversation_id": talk.id, "summary": "Anya said 0"}
    personal_data = PersonalDataRepository(talk.world.database, PERSONAL_DATA)
    await personal_data.forget(FileOwner("assistant", ANYA.id))
    assert await talk.store.find(talk.id) is None
    [told] = await happenings.list(EventFilter(bot="assistant"), limit=10)
    assert told.data == {"conversation_id": talk.id, "redacted": True}
