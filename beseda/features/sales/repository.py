"""The last messages of a conversation with their numbers."""

from sqlalchemy import bindparam, select

from beseda.core.chat import Conversation, Person
from beseda.core.message import Role
from beseda.db.database import Database
from beseda.engine.conversations.repository import find_place
from beseda.engine.conversations.tables import messages
from beseda.llm.extraction_prompt import DialogLine
from beseda.llm.quotation import own_words, quoted_words

# By turn, then by row: the answer to a question that was asked anew stands behind its question.
_last_lines = (
    select(messages.c.id, messages.c.role, messages.c.content)
    .where(messages.c.conversation_id == bindparam("conversation_id"))
    .order_by(messages.c.turn_id.desc(), messages.c.id.desc())
    .limit(bindparam("size"))
)

_message_of_turn = select(messages.c.id).where(
    messages.c.turn_id == bindparam("turn_id"), messages.c.role == Role.USER.value
)


class SalesRepository:
    """Implements `beseda.features.sales.repository.SalesRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self, conversation: Conversation, limit: int) -> list[DialogLine]:
        """Return the last `limit` messages, oldest first. Raises StorageError."""
        params = {"conversation_id": conversation.id, "size": limit}
        rows = await self._database.read(lambda connection: connection.execute(_last_lines, params).all())
        return [_read_line(row.id, Role(row.role), row.content) for row in reversed(rows)]

    async def message_of(self, turn_id: int) -> int | None:
        """Return the number of the person's message in a turn, or None. Raises StorageError."""
        params = {"turn_id": turn_id}
        return await self._database.read(lambda connection: connection.execute(_message_of_turn, params).scalar())

    async def private_chat(self, bot: str, user_id: int) -> tuple[Conversation, Person] | None:
        """Return a person's private chat with a bot, or None. Raises StorageError."""
        return await self._database.read(lambda connection: find_place(connection, bot, user_id))


def _read_line(message_id: int, role: Role, content: str) -> DialogLine:
    """Return a message as a line. Quoted words of others are separate: they prove nothing about the person."""
    if role is not Role.USER:
        return DialogLine(message_id, role, content)
    return DialogLine(message_id, role, own_words(content), quoted_words(content))
