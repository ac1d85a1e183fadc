"""The last lines of a conversation with their numbers."""

from sqlalchemy import bindparam, select

from beseda.domain.conversation import Conversation
from beseda.domain.message import Role
from beseda.domain.reading import Line
from beseda.storage.sql.database import Database
from beseda.storage.sql.tables.conversation import messages

# By turn, then by row: the answer to a question that was asked anew stands behind its question.
_last_lines = (
    select(messages.c.id, messages.c.role, messages.c.content)
    .where(messages.c.conversation_id == bindparam("conversation_id"))
    .order_by(messages.c.turn_id.desc(), messages.c.id.desc())
    .limit(bindparam("size"))
)


class SqlSalesRepository:
    """Implements `beseda.storage.base.sales.SalesStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self, conversation: Conversation, limit: int) -> list[Line]:
        """Return the last `limit` messages, oldest first. Raises StorageError."""
        params = {"conversation_id": conversation.id, "size": limit}
        rows = await self._database.read(lambda connection: connection.execute(_last_lines, params).all())
        return [Line(row.id, Role(row.role), row.content) for row in reversed(rows)]
