"""The lines that a sale reads, on both databases."""

from beseda.core.message import Message, Role
from beseda.features.sales.repository import SalesRepository
from tests.contract.storage.world import BOT, World


async def test_lines_have_their_numbers_and_the_order_of_turns(world: World) -> None:
    store, talk = SalesRepository(world.database), await world.open_conversation()
    first, failed = await world.receive(talk, "раз"), await world.receive(talk, "два")
    await world.fail(failed, "down")
    await world.reply(first, "ответ")
    lines = await store.lines(talk, 10)
    assert [(line.role, line.text) for line in lines] == [
        (Role.USER, "раз"),
        (Role.ASSISTANT, "ответ"),
        (Role.USER, "два"),
    ]
    assert await store.message_of(failed.id) == lines[-1].message_id
    assert [line.text for line in await store.lines(talk, 1)] == ["два"]


async def test_lines_of_others_are_not_read(world: World) -> None:
    store, mine = SalesRepository(world.database), await world.open_conversation(7)
    await world.receive(await world.open_conversation(8), "чужое")
    assert await store.lines(mine, 10) == []


async def test_repeated_words_keep_their_number(world: World) -> None:
    store, talk = SalesRepository(world.database), await world.open_conversation()
    turn = await world.receive(talk, "раз")
    number = await store.message_of(turn.id)
    await world.turns.open(turn, Message(Role.USER, "раз-два"))
    assert await store.message_of(turn.id) == number
    assert await store.message_of(turn.id + 1) is None


async def test_private_chat_is_found_by_its_person(world: World) -> None:
    store = SalesRepository(world.database)
    assert await store.private_chat(BOT, 7) is None
    opened = await world.open_conversation(7)
    found = await store.private_chat(BOT, 7)
    assert found is not None
    assert (found[0].id, found[1].name) == (opened.id, "Аня")
    assert await store.private_chat("other", 7) is None
