"""Opt-outs and blocks in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.engine.conversations.tables import users
from beseda.features.broadcasts.tables import subscriptions


class SubscriptionRepository:
    """Subscriptions in SQL. Every method raises StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def opt_out(self, bot: str, user_id: int) -> None:
        """Opt a person out of broadcasts."""
        now = self._clock.now()
        await self._database.write(lambda connection: put_subscription(connection, bot, user_id, opted_out_at=now))

    async def opt_in(self, bot: str, user_id: int) -> None:
        """Opt a person in to broadcasts again."""
        await self._database.write(lambda connection: put_subscription(connection, bot, user_id, opted_out_at=None))

    async def note_block(self, bot: str, user_id: int, *, blocked: bool) -> None:
        """Record that a person blocked or unblocked the bot. Nothing is stored for an unknown person."""
        at = self._clock.now() if blocked else None
        await self._database.write(lambda connection: put_subscription(connection, bot, user_id, blocked_at=at))

    async def is_opted_out(self, bot: str, user_id: int) -> bool:
        """Return whether a person has opted out of broadcasts."""
        query = select(subscriptions.c.opted_out_at).where(
            subscriptions.c.bot == bot, subscriptions.c.user_id == user_id
        )
        return await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none()) is not None


def put_subscription(connection: Connection, bot: str, user_id: int, **values: datetime | None) -> None:
    """Store the changed values. Nothing is stored for a person without a row in `users`."""
    insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    columns = {name: literal(value, subscriptions.c[name].type) for name, value in values.items()}
    row = select(literal(bot), users.c.id, *columns.values()).where(users.c.id == user_id)
    put = insert(subscriptions).from_select(["bot", "user_id", *columns], row)
    connection.execute(put.on_conflict_do_update(index_elements=["bot", "user_id"], set_=values))


def is_unwanted(bot: Any, user_id: Any) -> Any:
    """Return the condition that a person has opted out of a bot's broadcasts or blocked the bot."""
    return exists().where(
        subscriptions.c.bot == bot,
        subscriptions.c.user_id == user_id,
        subscriptions.c.opted_out_at.is_not(None) | subscriptions.c.blocked_at.is_not(None),
    )
