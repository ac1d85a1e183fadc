"""Unfinished updates of a group that becomes a supergroup: they are the supergroup's from then on."""

import orjson

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.engine.updates.model import StoredUpdate, partition_of, queue_of
from tests.contract.storage.world import BOT, World

OLD, NEW, OTHER = -42, -1000042, -43


def _update(number: int, chat_id: int, **fields: object) -> StoredUpdate:
    chat = {"id": chat_id, "type": "group", "title": "G"}
    content = {"message": {"message_id": number, "chat": chat, "text": "Привет", **fields}}
    return StoredUpdate(
        BOT, number, orjson.dumps(content), partition=partition_of(chat_id), queue=queue_of(ChatKey(BOT, chat_id))
    )


async def test_unfinished_updates_move_with_their_group(world: World) -> None:
    await world.conversations.open(ChatKey(BOT, OLD), ChatKind.GROUP, "G", Person(7, "Аня"))
    quoted = {"message_id": 5, "chat": {"id": OLD, "type": "group"}, "text": "раньше"}
    await world.updates.store(
        [
            _update(1, OLD),
            _update(2, OLD, reply_to_message=quoted),
            _update(3, OTHER),
            _update(4, OLD, migrate_to_chat_id=NEW),
        ]
    )
    await world.updates.finish(BOT, [1])
    await world.conversations.move(BOT, OLD, NEW)
    found = {update.update_id: update for update in await world.updates.unfinished(BOT)}
    assert found.keys() == {2, 3, 4}
    moved = orjson.loads(found[2].payload)["message"]
    assert moved["chat"] == {"id": NEW, "type": "supergroup", "title": "G"}
    assert moved["reply_to_message"]["chat"] == {"id": NEW, "type": "supergroup"}
    assert (found[2].partition, found[2].queue) == (partition_of(NEW), queue_of(ChatKey(BOT, NEW)))
    assert [found[number].queue for number in (3, 4)] == [queue_of(ChatKey(BOT, chat)) for chat in (OTHER, OLD)]
