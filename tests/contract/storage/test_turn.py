import asyncio

import pytest

from beseda.core.errors import IdTakenError
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.telegram.part import Part, PartState
from tests.contract.storage.world import BOT, World


async def test_find_unknown(world: World) -> None:
    assert await world.turns.find(1) is None


async def test_open_ties_updates(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    [waiting] = await world.updates.unfinished(BOT)
    assert (waiting.update_id, waiting.turn_id) == (turn.update_ids[0], turn.id)


async def test_find_returns_the_opened_turn(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    assert await world.turns.find(turn.id) == turn


async def test_two_processes_that_drew_one_id_do_not_share_a_turn(world: World) -> None:
    chris, boris = await world.open_conversation(7), await world.open_conversation(8)
    theirs = await world.receive(chris, "Chris's words")
    ours = Turn(theirs.id, boris, 8, TurnKind.CHAT, (), input="Boris's words")
    await world.turns.open(ours, Message(Role.USER, "Boris's words"))
    assert ours.id != theirs.id
    for turn in (theirs, ours):
        await world.reply(turn, "Yes")
        await world.deliver(turn)
    for conversation, words in ((chris, "Chris's words"), (boris, "Boris's words")):
        assert [m.content for m in await world.conversations.recent(conversation, 10)] == [words, "Yes"]
    found = await world.turns.find(theirs.id)
    assert found is not None
    assert (found.conversation, found.input) == (chris, "Chris's words")


async def test_a_turn_of_another_is_not_answered(world: World) -> None:
    theirs = await world.receive(await world.open_conversation(7), "Chris's words")
    ours = Turn(theirs.id, await world.open_conversation(8), 8, TurnKind.CHAT, (), input="Boris's words")
    with pytest.raises(IdTakenError):
        await world.reply(ours, "Yes")
    assert await world.turns.find(theirs.id) == theirs


async def test_a_taken_id_fails_no_other_turn_of_the_batch(world: World) -> None:
    first = await world.receive(await world.open_conversation(7), "1")
    others = [await world.open_conversation(number) for number in range(10, 30)]
    turns = [Turn(new_id(), conversation, conversation.key.chat_id, TurnKind.CHAT, ()) for conversation in others]
    turns[7].id = first.id
    await asyncio.gather(*(world.turns.open(turn, Message(Role.USER, "2")) for turn in turns))
    assert len({first.id, *(turn.id for turn in turns)}) == 21
    assert [await world.turns.find(turn.id) for turn in turns] == turns


async def test_open_again_takes_the_new_words(world: World) -> None:
    conversation = await world.open_conversation()
    turn = await world.receive(conversation, "Прив")
    await world.turns.open(turn, Message(Role.USER, "Привет"))
    await world.reply(turn, "И тебе")
    assert [m.content for m in await world.conversations.recent(conversation, 10)] == ["Привет", "И тебе"]


async def test_answer_stores_parts(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    await world.reply(turn, "<b>раз</b>", "два")
    found = await world.turns.find(turn.id)
    assert found == turn
    assert found.parts == [Part(0, "<b>раз</b>"), Part(1, "два")]


async def test_answer_opens_an_unknown_turn(world: World) -> None:
    turn = Turn(new_id(), await world.open_conversation(), 7, TurnKind.COMMAND, state=TurnState.ANSWERED)
    turn.parts = [Part(0, "Здравствуйте", '{"remove_keyboard":true}')]
    await world.turns.answer(turn, None, None)
    assert await world.turns.find(turn.id) == turn


async def test_mark_sending_is_recorded(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    await world.reply(turn, "раз")
    await world.turns.mark_sending(turn, turn.parts[0])
    found = await world.turns.find(turn.id)
    assert found is not None
    begun_at = turn.parts[0].begun_at
    assert begun_at is not None
    # Read back, the call is over without its outcome on record: what reads it is a later start.
    assert found.parts == [Part(0, "раз", state=PartState.UNKNOWN, begun_at=begun_at)]


async def test_content_of_an_unanswered_call_is_kept_beside_the_answer(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    shown = Part(0, "", sent_as='["И те",""]', repeats=1)
    await world.turns.mark_sending(turn, shown)
    shown.state = PartState.UNKNOWN
    turn.state, turn.parts = TurnState.ANSWERED, [Part(0, "И тебе")]
    turn.parts[0].continue_from(shown)
    await world.turns.answer(turn, None, None)
    found = await world.turns.find(turn.id)
    assert found is not None
    assert found.parts == turn.parts
    assert (found.parts[0].as_sent(), found.parts[0].repeats) == (("И те", ""), 1)


async def test_message_that_is_gone_is_forgotten_and_the_next_one_kept(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    await world.reply(turn, "раз")
    for message_id in (77, None, 78):
        turn.parts[0].message_id = message_id
        await world.turns.mark_placed(turn, turn.parts[0])
        found = await world.turns.find(turn.id)
        assert found is not None
        assert found.parts[0].message_id == message_id


async def test_part_that_grows_in_the_chat_is_kept_before_the_answer(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    turn.parts = [Part(0, "И те", message_id=77)]
    await world.turns.mark_sending(turn, turn.parts[0])
    found = await world.turns.find(turn.id)
    assert found is not None
    assert (found.state, found.parts) == (TurnState.RECEIVED, [Part(0, "И те", "", PartState.SENDING, 77)])
    await world.reply(turn, "И тебе")
    found = await world.turns.find(turn.id)
    assert found is not None
    assert [(part.html, part.message_id) for part in found.parts] == [("И тебе", 77)]


async def test_answer_drops_parts_that_grew_beyond_it(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    for number in range(2):
        await world.turns.mark_sending(turn, Part(number, "…", message_id=70 + number))
    await world.reply(turn, "И тебе")
    found = await world.turns.find(turn.id)
    assert found is not None
    assert [(part.state, part.message_id) for part in found.parts] == [(PartState.PENDING, 70), (PartState.DROPPED, 71)]


async def test_mark_sent_of_the_last_part_finishes(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    await world.reply(turn, "раз", "два")
    turn.parts[0].state, turn.parts[0].message_id = PartState.SENT, 1
    await world.turns.mark_sent(turn, turn.parts[0])
    assert turn.state is TurnState.ANSWERED
    assert len(await world.updates.unfinished(BOT)) == 1
    turn.parts[1].state, turn.parts[1].message_id = PartState.SENT, 2
    await world.turns.mark_sent(turn, turn.parts[1])
    found = await world.turns.find(turn.id)
    assert found is not None
    assert (found.state, turn.state) == (TurnState.DELIVERED, TurnState.DELIVERED)
    assert [part.message_id for part in found.parts] == [1, 2]
    assert await world.updates.unfinished(BOT) == []


async def test_failed_turn_stays_failed_once_its_notice_is_sent(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    await world.fail(turn, "timeout")
    await world.deliver(turn)
    found = await world.turns.find(turn.id)
    assert found is not None
    assert (found.state, found.reason) == (TurnState.FAILED, "timeout")
    assert await world.updates.unfinished(BOT) == []


async def test_retry_shows_parts_of_the_last_attempt(world: World) -> None:
    conversation = await world.open_conversation()
    turn = await world.receive(conversation, "Привет")
    await world.fail(turn, "timeout")
    await world.deliver(turn)
    turn.attempt, turn.state, turn.reason, turn.parts = 1, TurnState.RECEIVED, "", []
    await world.turns.open(turn, None)
    found = await world.turns.find(turn.id)
    assert found == turn
    await world.reply(turn, "Здравствуйте")
    await world.deliver(turn)
    assert [m.content for m in await world.conversations.recent(conversation, 10)] == ["Привет", "Здравствуйте"]


async def test_finish_ends_updates_of_unsent_parts(world: World) -> None:
    turn = await world.receive(await world.open_conversation(), "Привет")
    await world.reply(turn, "раз")
    turn.state, turn.reason = TurnState.FAILED, "blocked"
    await world.turns.finish(turn)
    found = await world.turns.find(turn.id)
    assert found is not None
    assert (found.state, found.reason) == (TurnState.FAILED, "blocked")
    assert await world.updates.unfinished(BOT) == []


async def test_many_chats_concurrently(world: World) -> None:
    async def chat(number: int) -> list[str]:
        conversation = await world.open_conversation(number)
        for step in range(5):
            await world.talk(conversation, f"{number}?{step}", f"{number}!{step}")
        return [message.content for message in await world.conversations.recent(conversation, 4)]

    windows = await asyncio.gather(*map(chat, range(1, 41)))
    assert windows == [[f"{n}?3", f"{n}!3", f"{n}?4", f"{n}!4"] for n in range(1, 41)]


async def test_text_no_database_takes_is_cleaned(world: World) -> None:
    conversation = await world.open_conversation()
    await world.talk(conversation, "a\0b", "привет\0\ud83d")
    assert [m.content for m in await world.conversations.recent(conversation, 2)] == ["ab", "привет?"]


async def test_question_is_found_by_the_newest_turn_of_its_message(world: World) -> None:
    mine, other = await world.open_conversation(), await world.open_conversation(8)
    numbers = {conversation.id: [new_id(), new_id()] for conversation in (mine, other)}
    for conversation in (mine, other):
        for number in numbers[conversation.id]:
            turn = Turn(number, conversation, conversation.key.chat_id, TurnKind.CHAT, reply_to=55, input="q")
            await world.turns.open(turn, None)
    found = await world.turns.find_question(mine, 55)
    assert found is not None and found.id == max(numbers[mine.id])
    assert await world.turns.find_question(mine, 56) is None
