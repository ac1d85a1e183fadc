import asyncio
from datetime import UTC, datetime

from sqlalchemy import select

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.core.usage import Totals
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.tables import conversations, users
from beseda.engine.turns.model import Turn, TurnKind
from beseda.testing.clock import ManualClock
from tests.contract.storage.world import BOT, World

ANYA = Person(2**40, "Аня", "anya", "ru")


async def test_open_returns_the_same_conversation(world: World) -> None:
    key = ChatKey(BOT, -(10**13), 5)
    first = await world.conversations.open(key, ChatKind.SUPERGROUP, "Двор", ANYA)
    assert await world.conversations.open(key, ChatKind.SUPERGROUP, "Двор", ANYA) == first
    other = ConversationRepository(world.database)
    assert await other.open(key, ChatKind.SUPERGROUP, "Двор", Person(9, "Боря")) == first


async def test_open_distinguishes_chats_and_topics(world: World) -> None:
    keys = [ChatKey(BOT, 1), ChatKey(BOT, 1, 2), ChatKey("llama", 1), ChatKey(BOT, 2)]
    opened = [await world.conversations.open(key, ChatKind.PRIVATE, "", ANYA) for key in keys]
    assert len({conversation.id for conversation in opened}) == 4


async def test_concurrent_opens_make_one(world: World) -> None:
    stores = [ConversationRepository(world.database) for _ in range(20)]
    opened = await asyncio.gather(*(s.open(ChatKey(BOT, 1), ChatKind.PRIVATE, "", ANYA) for s in stores))
    assert len({conversation.id for conversation in opened}) == 1


async def test_open_follows_a_new_title(world: World) -> None:
    key = ChatKey(BOT, -5)
    await world.conversations.open(key, ChatKind.GROUP, "Двор", ANYA)
    opened = await world.conversations.open(key, ChatKind.GROUP, "Двор и сад", ANYA)
    rows = await world.database.read(lambda c: c.execute(select(conversations.c.title)).scalars().all())
    assert (opened.title, rows) == ("Двор и сад", ["Двор и сад"])


async def test_open_follows_a_changed_person(world: World) -> None:
    await world.conversations.open(ChatKey(BOT, 1), ChatKind.PRIVATE, "", ANYA)
    await world.conversations.open(ChatKey(BOT, 1), ChatKind.PRIVATE, "", Person(ANYA.id, "Анна"))
    names = await world.database.read(lambda c: c.execute(select(users.c.name, users.c.username)).all())
    assert [tuple(row) for row in names] == [("Анна", "")]


async def test_conversation_goes_on_in_the_chat_its_group_moved_to(world: World) -> None:
    old, new = ChatKey(BOT, -5), ChatKey(BOT, -(10**12) - 5)
    before = await world.conversations.open(old, ChatKind.GROUP, "Двор", ANYA)
    await world.conversations.move(BOT, old.chat_id, new.chat_id)
    after = await world.conversations.open(new, ChatKind.SUPERGROUP, "Двор", ANYA)
    assert (after.id, after.key) == (before.id, new)
    assert (await world.conversations.open(old, ChatKind.GROUP, "Двор", ANYA)).id != before.id


async def test_conversation_that_has_begun_in_the_new_group_stays_its_own(world: World) -> None:
    old, new = ChatKey(BOT, -5), ChatKey(BOT, -(10**12) - 5)
    before = await world.conversations.open(old, ChatKind.GROUP, "Двор", ANYA)
    begun = await world.conversations.open(new, ChatKind.SUPERGROUP, "Двор", ANYA)
    await world.conversations.move(BOT, old.chat_id, new.chat_id)
    assert (await world.conversations.open(old, ChatKind.GROUP, "Двор", ANYA)).id == before.id
    assert (await world.conversations.open(new, ChatKind.SUPERGROUP, "Двор", ANYA)).id == begun.id


async def test_last_seen_is_kept_to_five_minutes(world: World) -> None:
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    store = ConversationRepository(world.database, clock)

    async def see(seconds: float) -> datetime:
        clock.shift(seconds)
        await store.open(ChatKey(BOT, 1), ChatKind.PRIVATE, "", ANYA)
        return await world.database.read(lambda c: c.execute(select(users.c.last_seen_at)).scalar_one())

    first = await see(0)
    assert first == datetime(2026, 5, 1, tzinfo=UTC)
    assert await see(200) == first
    assert (await see(200) - first).total_seconds() == 400


async def test_recent_is_the_end_in_order(world: World) -> None:
    conversation = await world.open_conversation()
    for number in range(4):
        await world.talk(conversation, f"q{number}", f"a{number}")
    assert await world.conversations.recent(conversation, 3) == [
        Message(Role.ASSISTANT, "a2"),
        Message(Role.USER, "q3"),
        Message(Role.ASSISTANT, "a3"),
    ]


async def test_recent_leaves_out_failed_and_open_turns(world: World) -> None:
    conversation = await world.open_conversation()
    await world.fail(await world.receive(conversation, "не вышло"), "timeout")
    await world.talk(conversation, "вышло", "да")
    await world.receive(conversation, "сейчас")
    assert [message.content for message in await world.conversations.recent(conversation, 10)] == ["вышло", "да"]


async def test_recent_keeps_a_late_answer_by_its_question(world: World) -> None:
    conversation = await world.open_conversation()
    turn = await world.receive(conversation, "q1")
    await world.fail(turn, "timeout")
    await world.talk(conversation, "q2", "a2")
    turn.attempt += 1
    await world.reply(turn, "a1")
    assert [m.content for m in await world.conversations.recent(conversation, 4)] == ["q1", "a1", "q2", "a2"]


async def test_clear_wipes_the_messages(world: World) -> None:
    mine, other = await world.open_conversation(1), await world.open_conversation(2)
    turn = await world.talk(mine, "секрет", "тайна")
    await world.talk(other, "q", "a")
    assert await world.conversations.clear(mine) == 2
    assert await world.conversations.recent(mine, 10) == []
    assert len(await world.conversations.recent(other, 10)) == 2
    found = await world.turns.find(turn.id)
    assert found is not None
    assert (found.input, found.parts[0].html, found.parts[0].message_id) == ("", "", 500)


async def test_clear_keeps_turns_under_way(world: World) -> None:
    conversation = await world.open_conversation()
    turn = await world.receive(conversation, "q")
    await world.reply(turn, "<b>a</b>")
    await world.conversations.clear(conversation)
    assert await world.turns.find(turn.id) == turn


async def test_totals_of_nothing(world: World) -> None:
    assert await world.conversations.totals(await world.open_conversation()) == Totals()


async def test_totals_count_turns_and_survive_clear(world: World) -> None:
    conversation = await world.open_conversation()
    await world.talk(conversation, "q1", "a1")
    await world.talk(conversation, "q2", "a2")
    await world.fail(await world.receive(conversation, "q3"), "timeout")
    command = Turn(new_id(), conversation, 7, TurnKind.COMMAND)
    await world.turns.open(command, None)
    await world.conversations.clear(conversation)
    today = datetime.now(UTC).date().isoformat()
    assert await world.conversations.totals(conversation) == Totals(3, 2, 20, 10, 0.5, today)
