"""Identifiers go on from the highest ones in the database."""

from datetime import UTC, datetime, timedelta

import pytest

from beseda.core.ids import IdSequence, lowest_id
from beseda.core.message import Message, Role
from beseda.engine.identity import continue_ids
from beseda.engine.turns.model import Turn, TurnKind
from beseda.features.conversations.model import ConversationFilter
from beseda.features.conversations.queries import ConversationList
from tests.contract.storage.world import World


async def test_messages_since_a_clock_was_ahead_are_the_newest(world: World, caplog: pytest.LogCaptureFixture) -> None:
    conversation = await world.open_conversation()
    ahead = Turn(lowest_id(datetime.now(UTC) + timedelta(days=200)), conversation, 7, TurnKind.CHAT, ())
    await world.turns.open(ahead, Message(Role.USER, "ahead"))
    await world.reply(ahead, "future")
    ids = IdSequence()  # of the next start, with the clock set right
    await continue_ids(world.database, ids.continue_after)
    assert "made in the future" in caplog.text
    since = Turn(ids.next(), conversation, 7, TurnKind.CHAT, ())
    await world.turns.open(since, Message(Role.USER, "since"))
    await world.reply(since, "now")
    said = [message.content for message in await world.conversations.recent(conversation, 10)]
    assert said == ["ahead", "future", "since", "now"]
    [line] = await ConversationList(world.database).page(ConversationFilter(), limit=10)
    assert line.last_message_at is not None
    assert line.last_message_at <= datetime.now(UTC)


async def test_a_clock_that_is_right_is_not_warned_of(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await continue_ids(world.database, IdSequence().continue_after)
    await world.receive(await world.open_conversation(), "Hi")
    await continue_ids(world.database, IdSequence().continue_after)
    assert caplog.text == ""
