"""The messages of a conversation that models receive."""

from sqlalchemy import ColumnElement, and_, exists, select

from beseda.core.message import Role
from beseda.core.usage import DEMO
from beseda.engine.conversations.tables import messages
from beseda.engine.turns.model import TurnState
from beseda.engine.turns.tables import model_calls, turns

# A scalar subquery because PostgreSQL, left to join without fresh statistics, walks through everybody's turns.
_state = select(turns.c.state).where(turns.c.id == messages.c.turn_id).scalar_subquery()
_by_demo = exists().where(
    model_calls.c.turn_id == messages.c.turn_id, model_calls.c.endpoint == DEMO, model_calls.c.model == DEMO
)

is_answered: ColumnElement[bool] = _state.in_([TurnState.ANSWERED.value, TurnState.DELIVERED.value])
"""Of turns that were answered: failed ones are no part of a conversation."""

is_remembered: ColumnElement[bool] = and_(is_answered, ~and_(messages.c.role == Role.ASSISTANT.value, _by_demo))
"""Of those, without the answers of the demo: a model that reads them goes on in its voice."""
