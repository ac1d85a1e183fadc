"""Recorded message ids on both databases."""

from datetime import timedelta

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.turns.sent_messages import SentMessageRepository
from beseda.engine.updates.model import StoredUpdate
from beseda.engine.updates.repository import UpdateRepository
from beseda.features.broadcasts.model import BroadcastContent, BroadcastState, NewBroadcast, RecipientState
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.broadcasts.sent_messages import BROADCAST_MESSAGES
from beseda.telegram.lookup import KnownMessage, KnownMessages
from beseda.telegram.part import Part, PartState
from beseda.testing.clock import ManualClock

_BOT, _ANNA, _GROUP = "assistant", 7, -1_000_000_000_042


class _World:
    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.ids = SentMessageRepository(database, [BROADCAST_MESSAGES])
        self.turns = TurnRepository(database, self.clock)
        self.updates = UpdateRepository(database, self.clock)
        self.conversations = ConversationRepository(database, self.clock)
        self.broadcasts = BroadcastRepository(database, self.clock)
        self._number = 0

    async def receive(self, message_id: int, box: int = 0, bot: str = _BOT) -> None:
        self._number += 1
        await self.updates.store([StoredUpdate(bot, self._number, b"{}", message_id=message_id, message_box=box)])
        self.clock.shift(1)

    async def send(self, message_id: int, chat_id: int = _ANNA) -> None:
        await self.finish_send(await self.begin_send(chat_id, seconds=0), message_id)

    async def begin_send(self, chat_id: int, *, seconds: float = 1) -> Turn:
        kind = ChatKind.PRIVATE if chat_id > 0 else ChatKind.SUPERGROUP
        conversation = await self.conversations.open(ChatKey(_BOT, chat_id), kind, "", Person(_ANNA, "Anna"))
        turn = Turn(new_id(), conversation, _ANNA, TurnKind.CHAT, state=TurnState.ANSWERED, parts=[Part(0, "hello")])
        await self.turns.answer(turn, Message(Role.ASSISTANT, "hello"), None)
        await self.turns.mark_sending(turn, turn.parts[0])
        self.clock.shift(seconds)
        return turn

    async def finish_send(self, turn: Turn, message_id: int) -> None:
        turn.parts[0].state, turn.parts[0].message_id = PartState.SENT, message_id
        await self.turns.mark_sent(turn, turn.parts[0])
        self.clock.shift(1)

    async def broadcast(self, message_id: int) -> None:
        await self.conversations.open(ChatKey(_BOT, _ANNA), ChatKind.PRIVATE, "", Person(_ANNA, "Anna"))
        made = await self.broadcasts.create(NewBroadcast(_BOT, "News", BroadcastContent({"en": "Hello"})))
        await self.broadcasts.move(made.id, [BroadcastState.DRAFT], BroadcastState.RUNNING)
        await self.broadcasts.gather(made.id, limit=10)
        await self.broadcasts.begin(made.id, _ANNA, made.run)
        await self.broadcasts.settle(made.id, _ANNA, RecipientState.SENT, message_id=message_id)
        self.clock.shift(1)


async def test_ids_of_all_tables_are_known(database: Database) -> None:
    world = _World(database)
    await world.receive(100)
    await world.send(101)
    call = world.clock.now() + timedelta(seconds=0.5)
    world.clock.shift(1)
    await world.receive(103)
    await world.broadcast(104)
    begun_at = world.clock.now()
    await world.send(106)
    found = await world.ids.around(_BOT, 0, call)
    assert found == KnownMessages(101, [KnownMessage(103), KnownMessage(104), KnownMessage(106, begun_at)])


async def test_supergroups_have_their_own_counter(database: Database) -> None:
    world = _World(database)
    await world.receive(100)
    await world.receive(5, _GROUP)
    await world.send(6, _GROUP)
    assert (await world.ids.around(_BOT, _GROUP, world.clock.now())).before == 6
    assert (await world.ids.around(_BOT, 0, world.clock.now())).before == 100


async def test_sends_without_an_outcome_that_began_earlier_are_counted(database: Database) -> None:
    world = _World(database)
    lost = [await world.begin_send(chat_id) for chat_id in (_ANNA, 8, 9, _GROUP)]
    begun = [turn.parts[0].begun_at for turn in lost]
    assert all(begun)
    counts = [(await world.ids.around(_BOT, 0, moment)).unknown_earlier for moment in begun if moment]
    assert counts == [0, 1, 2, 3]
    await world.finish_send(lost[1], 101)
    assert (await world.ids.around(_BOT, 0, world.clock.now())).unknown_earlier == 2
    assert (await world.ids.around(_BOT, _GROUP, world.clock.now())).unknown_earlier == 1
    lost[0].attempt += 1  # asked anew: that send is no longer searched for
    await world.turns.open(lost[0], None)
    assert (await world.ids.around(_BOT, 0, world.clock.now())).unknown_earlier == 1


async def test_ids_of_another_bot_are_not_accepted(database: Database) -> None:
    world = _World(database)
    await world.receive(100, bot="llama")
    assert await world.ids.around(_BOT, 0, world.clock.now()) == KnownMessages(None, [])
