"""Takeovers."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, select, update
from sqlalchemy import insert as sql_insert

from beseda.core.chat import ChatKey
from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError
from beseda.db.database import Database
from beseda.engine.conversations.tables import conversations
from beseda.features.takeover.model import Takeover
from beseda.features.takeover.tables import takeovers

_all = select(conversations.c.bot, conversations.c.chat_id, conversations.c.thread_id, *takeovers.columns).join(
    conversations, conversations.c.id == takeovers.c.conversation_id
)


class TakeoverRepository:
    """Takeovers in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def take(self, conversation_id: int, operator: str) -> Takeover:
        """Hand a conversation to an operator. A repeated call of the same operator keeps the time of the first one.

        Raises NotFoundError if the conversation does not exist.
        """
        wanted = Takeover(conversation_id, operator, self._clock.now())
        return await self._database.write(lambda connection: _take(connection, wanted))

    async def give_back(self, conversation_id: int) -> bool:
        """Return a conversation to its bot. Return False if it was not taken over."""
        change = delete(takeovers).where(takeovers.c.conversation_id == conversation_id)
        return bool(await self._database.write(lambda connection: connection.execute(change).rowcount))

    async def all(self) -> Mapping[ChatKey, Takeover]:
        """Return every conversation that is taken over, by its key."""
        rows = await self._database.read(lambda connection: connection.execute(_all).all())
        return {
            ChatKey(row.bot, row.chat_id, row.thread_id): Takeover(row.conversation_id, row.operator, row.since)
            for row in rows
        }


def _take(connection: Connection, wanted: Takeover) -> Takeover:
    # Locked, so that two who take it at once do so one after another.
    place = select(conversations.c.id).where(conversations.c.id == wanted.conversation_id).with_for_update()
    if connection.execute(place).first() is None:
        raise NotFoundError(f"conversation {wanted.conversation_id}")
    ours = takeovers.c.conversation_id == wanted.conversation_id
    row = connection.execute(select(takeovers).where(ours)).one_or_none()
    if row is None:
        connection.execute(sql_insert(takeovers).values(**asdict(wanted)))
        return wanted
    if row.operator == wanted.operator:
        return Takeover(row.conversation_id, row.operator, row.since)
    connection.execute(update(takeovers).where(ours).values(**asdict(wanted)))
    return wanted
