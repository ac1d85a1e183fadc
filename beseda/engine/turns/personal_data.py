"""Turns of one person, with their messages, answers and model calls: erased piece by piece."""

from collections.abc import Collection, Sequence
from datetime import datetime
from html import escape

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from beseda.engine.conversations.summary_repository import forget_summaries
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.files.model import FileOwner
from beseda.engine.turns.model import TurnKind, TurnState
from beseda.engine.turns.tables import deliveries, model_calls, turns
from beseda.engine.updates.tables import updates


def own_turns(person: FileOwner, conversation_ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a turn of these conversations is the person's."""
    return and_(turns.c.user_id == person.user_id, turns.c.conversation_id.in_(conversation_ids))


def forget_turns(
    connection: Connection, own: ColumnElement[bool], conversation_ids: Sequence[int], stale: datetime, limit: int
) -> tuple[int, int]:
    """Delete up to `limit` finished turns, and those untouched since `stale`, with all dependent rows.

    Summaries of the conversations are deleted as well. Return the numbers of turns and of messages.
    """
    over = or_(turns.c.state.in_([TurnState.DELIVERED.value, TurnState.FAILED.value]), turns.c.updated_at < stale)
    ids = list(connection.execute(select(turns.c.id).where(own, over).order_by(turns.c.id).limit(limit)).scalars())
    forget_summaries(connection, conversation_ids)
    said = connection.execute(delete(messages).where(messages.c.turn_id.in_(ids))).rowcount
    connection.execute(delete(deliveries).where(deliveries.c.turn_id.in_(ids)))
    connection.execute(delete(model_calls).where(model_calls.c.turn_id.in_(ids)))
    # The numbers stay, so that Telegram's repetitions are known; what was in them is gone since they were worked off.
    connection.execute(update(updates).where(updates.c.turn_id.in_(ids)).values(turn_id=None))
    connection.execute(delete(turns).where(turns.c.id.in_(ids)))
    return len(ids), said


def blank_notices(connection: Connection, bot: str, people: Collection[int], words: Sequence[str]) -> None:
    """Blank the messages to the bot's owners that contain one of the words: answers to commands, and notices."""
    if not words or not people:
        return
    told = (
        select(turns.c.id)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .where(conversations.c.bot == bot, turns.c.user_id.in_(people), turns.c.kind == TurnKind.COMMAND.value)
    )
    found = or_(*(deliveries.c.html.contains(escape(word, quote=False), autoescape=True) for word in words))
    change = update(deliveries).where(deliveries.c.turn_id.in_(told), found)
    connection.execute(change.values(html="", markup="", media=""))
