"""How the databases look turns up: along an index, however many turns a conversation has."""

from sqlalchemy import insert, text

from beseda.core.clock import SystemClock
from beseda.engine.turns.model import TurnKind, TurnState
from beseda.engine.turns.repository import SELECT_QUESTION
from beseda.engine.turns.tables import turns
from tests.contract.storage.world import World
from tests.parts.query_plan import explain

MANY = 5_000


async def test_turn_of_a_message_is_found_by_index(world: World) -> None:
    conversation = await world.open_conversation()
    now = SystemClock().now()
    blank = {"conversation_id": conversation.id, "user_id": 7, "kind": TurnKind.CHAT, "state": TurnState.DELIVERED}
    rest = {"reason": "", "attempt": 0, "input": "", "created_at": now, "updated_at": now}
    rows = [{"id": number, "reply_to": number + 100, **blank, **rest} for number in range(1, MANY + 1)]
    await world.database.write(lambda connection: connection.execute(insert(turns), rows))
    await world.database.write(lambda connection: connection.execute(text("ANALYZE")))
    plan = await explain(
        world.database, SELECT_QUESTION, {"conversation_id": conversation.id, "message_id": 100 + MANY // 2}
    )
    assert "ix_turns_conversation_id_reply_to" in plan
    found = await world.turns.find_question(conversation, 100 + MANY // 2)
    assert found is not None
    assert found.id == MANY // 2
