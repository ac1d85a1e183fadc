"""A bot's name and the Telegram account that it stands for."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from beseda.core.clock import SystemClock
from beseda.core.ids import new_id
from beseda.engine.bot_accounts import OTHER_ACCOUNT, BotAccountRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.sent_messages import SentMessageRepository
from beseda.engine.turns.tables import turns
from beseda.engine.updates.model import StoredUpdate
from beseda.features.broadcasts.model import BroadcastContent, BroadcastState, NewBroadcast, RecipientState
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.broadcasts.sent_messages import BROADCAST_MESSAGES, end_broadcasts
from beseda.telegram.part import COMMON_BOX
from tests.contract.storage.world import BOT, World

A, B = 111, 222


def _update(number: int, payload: bytes = b"{}") -> StoredUpdate:
    return StoredUpdate(BOT, number, payload)


async def _waiting(world: World) -> list[tuple[int, bytes]]:
    return [(update.update_id, update.payload) for update in await world.updates.unfinished(BOT)]


async def test_new_token_of_the_same_account_changes_nothing(world: World) -> None:
    accounts = BotAccountRepository(world.database)
    assert await accounts.claim(BOT, A) is None
    await world.updates.store([_update(900)])
    assert await accounts.claim(BOT, A) is None
    assert await world.updates.store([_update(900)]) == []


async def test_update_ids_belong_to_the_account(world: World) -> None:
    accounts = BotAccountRepository(world.database)
    await accounts.claim(BOT, A)
    await world.updates.store([_update(900, b"a"), _update(-5, b"ours")])
    assert await accounts.claim(BOT, B) == A
    assert await _waiting(world) == [(-5, b"ours")]
    assert len(await world.updates.store([_update(900, b"b")])) == 1
    assert (900, b"b") in await _waiting(world)
    assert await accounts.claim(BOT, A) == B
    assert (900, b"a") in await _waiting(world)
    assert (900, b"b") not in await _waiting(world)


async def test_other_bots_keep_their_updates(world: World) -> None:
    accounts = BotAccountRepository(world.database)
    await accounts.claim(BOT, A)
    await world.updates.store([replace(_update(900), bot="other")])
    await accounts.claim(BOT, B)
    assert len(await world.updates.unfinished("other")) == 1


async def test_message_ids_and_questions_belong_to_the_account(world: World) -> None:
    accounts, sent = BotAccountRepository(world.database), SentMessageRepository(world.database)
    await accounts.claim(BOT, A)
    conversation = await world.open_conversation()
    await world.talk(conversation, "q", "a")
    done = Turn(new_id(), conversation, 7, TurnKind.CHAT, reply_to=55, input="q", state=TurnState.DELIVERED)
    await world.turns.open(done, None)
    later = SystemClock().now()
    assert (await sent.around(BOT, COMMON_BOX, later)).later
    assert await world.turns.find_question(conversation, 55) is not None
    await accounts.claim(BOT, B)
    known = await sent.around(BOT, COMMON_BOX, later)
    assert (known.before, list(known.later)) == (None, [])
    assert await world.turns.find_question(conversation, 55) is None


async def test_answer_on_its_way_is_not_the_new_accounts(world: World) -> None:
    accounts = BotAccountRepository(world.database)
    await accounts.claim(BOT, A)
    conversation = await world.open_conversation()
    await world.updates.store([_update(-7)])
    turn = await world.receive(conversation, "q")
    turn.update_ids = (-7,)
    await world.turns.open(turn, None)
    await world.reply(turn, "a")
    await accounts.claim(BOT, B)
    found = await world.turns.find(turn.id)
    assert found is not None
    assert (found.state, found.unsent()) == (TurnState.FAILED, [])
    assert await _waiting(world) == []
    rows = await world.database.read(lambda connection: connection.execute(select(turns.c.id)).all())
    assert len(rows) == 1


async def test_broadcasts_belong_to_the_account(world: World) -> None:
    accounts = BotAccountRepository(world.database, hooks=[end_broadcasts])
    store, sent = BroadcastRepository(world.database), SentMessageRepository(world.database, [BROADCAST_MESSAGES])
    await accounts.claim(BOT, A)
    await world.open_conversation(7)
    broadcast = await store.create(NewBroadcast(BOT, "News", BroadcastContent({"ru": "..."})))
    await store.move(broadcast.id, [BroadcastState.DRAFT], BroadcastState.RUNNING)
    await store.gather(broadcast.id, limit=10)
    await store.begin(broadcast.id, 7, 0)
    await store.settle(broadcast.id, 7, RecipientState.SENT, message_id=31)
    later = SystemClock().now() + timedelta(seconds=5)
    assert (await sent.around(BOT, COMMON_BOX, later)).before == 31
    await accounts.claim(BOT, B)
    stopped = await store.find(broadcast.id)
    assert stopped is not None
    assert (stopped.state, stopped.reason) == (BroadcastState.STOPPED, OTHER_ACCOUNT)
    assert (await sent.around(BOT, COMMON_BOX, later)).before is None
    await accounts.claim(BOT, A)
    assert (await sent.around(BOT, COMMON_BOX, later)).before == 31
