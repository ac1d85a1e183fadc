"""The hot window of a conversation is believed only as far as it agrees with the database."""

from beseda.core.chat import Conversation
from beseda.core.errors import StorageError
from beseda.core.message import Message, Role
from beseda.engine.conversations.memory import ConversationMemory
from beseda.engine.turns.model import Turn, TurnState
from beseda.ephemeral.memory.history import MemoryHistory
from tests.contract.storage.hot import Hot
from tests.contract.storage.world import World


async def _talk(world: World, memory: ConversationMemory, conversation: Conversation, number: int) -> Turn:
    turn = await world.receive(conversation, f"q{number}")
    await memory.window(conversation, 10)
    await _answer(world, memory, turn)
    return turn


async def _answer(world: World, memory: ConversationMemory, turn: Turn) -> None:
    text = turn.input.replace("q", "a")
    await world.reply(turn, text)
    exchange = [Message(Role.USER, turn.input), Message(Role.ASSISTANT, text)]
    await memory.remember(turn.conversation, turn.id, exchange)
    await world.deliver(turn)


async def _read(memory: ConversationMemory, conversation: Conversation) -> list[str]:
    return [message.content for message in await memory.window(conversation, 10)]


async def test_a_window_that_vanished_in_mid_answer_is_read_from_the_database(world: World, hot: Hot) -> None:
    memory, conversation = ConversationMemory(world.conversations, hot.history), await world.open_conversation()
    await _talk(world, memory, conversation, 1)
    turn = await world.receive(conversation, "q2")
    await memory.window(conversation, 10)
    await hot.history.clear(conversation.key.history_key())  # a flush, an eviction, a restart of Redis
    await _answer(world, memory, turn)
    assert await _read(memory, conversation) == ["q1", "a1", "q2", "a2"]


async def test_a_window_that_came_back_older_is_not_believed(world: World, hot: Hot) -> None:
    memory, conversation = ConversationMemory(world.conversations, hot.history), await world.open_conversation()
    key = conversation.key.history_key()
    first = await _talk(world, memory, conversation, 1)
    older = await hot.history.window(key, 10)
    await _talk(world, memory, conversation, 2)
    await hot.history.fill(key, older or [], first.id)
    assert await _read(memory, conversation) == ["q1", "a1", "q2", "a2"]


async def test_messages_of_another_replica_are_in_the_window(world: World) -> None:
    ours, theirs = (ConversationMemory(world.conversations, MemoryHistory()) for _ in range(2))
    conversation = await world.open_conversation()
    await _talk(world, ours, conversation, 1)
    await _talk(world, theirs, conversation, 2)
    assert await _read(ours, conversation) == ["q1", "a1", "q2", "a2"]


async def test_a_turn_asked_again_keeps_its_place(world: World, hot: Hot) -> None:
    memory, conversation = ConversationMemory(world.conversations, hot.history), await world.open_conversation()
    failed = await world.receive(conversation, "q1")
    await world.fail(failed, "TimedOutError")
    await _talk(world, memory, conversation, 2)
    failed.state, failed.attempt = TurnState.RECEIVED, 1
    await world.turns.open(failed, Message(Role.USER, "q1"))
    await memory.reload(conversation)
    await memory.window(conversation, 10)
    await _answer(world, memory, failed)
    assert await _read(memory, conversation) == ["q1", "a1", "q2", "a2"]


async def test_a_window_longer_than_the_hot_one_is_whole(world: World, hot: Hot) -> None:
    memory, conversation = ConversationMemory(world.conversations, hot.history), await world.open_conversation()
    for number in range(5):
        await _talk(world, memory, conversation, number)
    assert len(await memory.window(conversation, 9)) == 9


async def test_an_exchange_ends_up_in_the_hot_window(world: World, hot: Hot) -> None:
    memory, conversation = ConversationMemory(world.conversations, hot.history), await world.open_conversation()
    await _talk(world, memory, conversation, 1)
    await _talk(world, memory, conversation, 2)
    found = await hot.history.window(conversation.key.history_key(), 10)
    assert [message.content for message in found or []] == ["q1", "a1", "q2", "a2"]


async def test_message_missing_from_the_cache_is_read_from_the_database(world: World) -> None:
    history = Away()
    memory, conversation = ConversationMemory(world.conversations, history), await world.open_conversation()
    await _talk(world, memory, conversation, 1)
    history.away = True
    await _talk(world, memory, conversation, 2)
    assert await _read(memory, conversation) == ["q1", "a1", "q2", "a2"]
    history.away = False
    assert await _read(memory, conversation) == ["q1", "a1", "q2", "a2"]
    await _talk(world, memory, conversation, 3)
    assert await _read(memory, conversation) == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert len(await history.window(conversation.key.history_key(), 10) or []) == 6


class Away(MemoryHistory):
    """A hot history that can be out of reach."""

    away = False

    async def last_turn(self, key: str) -> int:
        if self.away:
            raise StorageError("away")
        return await super().last_turn(key)

    async def append(self, *args: object, **kwargs: object) -> bool:
        if self.away:
            raise StorageError("away")
        return await super().append(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    async def clear(self, key: str) -> None:
        if self.away:
            raise StorageError("away")
        await super().clear(key)
