"""Model calls made outside chat turns, in SQL."""

from datetime import datetime

from sqlalchemy import insert

from beseda.core import metrics
from beseda.core.clock import Clock, SystemClock
from beseda.core.usage import CallPurpose, ModelCall
from beseda.db.database import Database
from beseda.engine.turns.tables import model_calls


class ModelCallRepository:
    """Model calls in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, call: ModelCall, purpose: CallPurpose) -> None:
        """Store a call and its purpose."""
        row = {
            "bot": purpose.bot,
            "purpose": purpose.purpose.value,
            "conversation_id": purpose.conversation_id,
            "attempt": 0,
            **describe_call(call, self._clock.now()),
        }
        await self._database.write(lambda connection: connection.execute(insert(model_calls).values(row)).rowcount)
        metrics.model_call(purpose.bot, call)


def describe_call(call: ModelCall, now: datetime) -> dict[str, object]:
    """Return the columns that are common to all model calls."""
    return {
        "endpoint": call.endpoint,
        "model": call.model,
        "prompt_tokens": call.usage.prompt_tokens,
        "completion_tokens": call.usage.completion_tokens,
        "cost": call.usage.cost,
        "estimated": call.usage.estimated,
        "finish_reason": call.finish_reason,
        "first_token_ms": call.first_token_ms,
        "total_ms": call.total_ms,
        "error": call.error,
        "created_at": now,
    }
