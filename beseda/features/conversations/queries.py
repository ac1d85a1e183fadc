"""Lists of conversations and of their messages."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, tuple_

from beseda.core.ids import lowest_id
from beseda.db.database import Database
from beseda.db.paging import written
from beseda.db.since import look_back
from beseda.engine.conversations.tables import conversations, messages, users
from beseda.engine.turns.tables import turns
from beseda.features.conversations.model import ConversationFilter, ConversationLine, SaidMessage
from beseda.features.takeover.tables import takeovers

_HIGHEST = 2**63 - 1
_LONGEST_TURN = timedelta(hours=1)
# Not the time in a turn's number: after a clock that was ahead, numbers are ahead as well.
_said_last_at = (
    select(messages.c.created_at)
    .where(messages.c.conversation_id == conversations.c.id)
    .order_by(messages.c.turn_id.desc(), messages.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_lines = (
    select(
        conversations.c.id,
        conversations.c.bot,
        conversations.c.chat_id,
        conversations.c.thread_id,
        conversations.c.kind,
        conversations.c.title,
        conversations.c.user_id,
        users.c.name,
        users.c.username,
        users.c.language,
        conversations.c.created_at,
        _said_last_at.label("said_last_at"),
        takeovers.c.operator,
        takeovers.c.since,
    )
    .join(users, users.c.id == conversations.c.user_id)
    .outerjoin(takeovers, takeovers.c.conversation_id == conversations.c.id)
)
_said = select(
    messages.c.id,
    messages.c.turn_id,
    messages.c.role,
    messages.c.content,
    messages.c.created_at,
    messages.c.operator,
    turns.c.state,
    turns.c.kind,
).join(turns, turns.c.id == messages.c.turn_id)


class ConversationList:
    """Conversations in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: ConversationFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> list[ConversationLine]:
        """Return conversations, newest first; `before` is the id of the last one of the previous page."""
        query = _lines.where(*_conditions(wanted)).order_by(conversations.c.id.desc()).limit(written(limit))
        query = query.offset(written(offset)) if before is None else query.where(conversations.c.id < before)
        return [_load_line(row) for row in await self._fetch(query)]

    async def count(self, wanted: ConversationFilter) -> int:
        """Return the number of conversations that match the filter."""
        query = select(func.count()).select_from(conversations).where(*_conditions(wanted))
        return await self._database.read_long(lambda connection: connection.execute(query).scalar_one())

    async def find(self, conversation_id: int) -> ConversationLine | None:
        """Return a conversation, or None."""
        rows = await self._fetch(_lines.where(conversations.c.id == conversation_id))
        return _load_line(rows[0]) if rows else None

    async def messages(
        self, conversation_id: int, *, limit: int, offset: int = 0, after: tuple[int, int] | None = None
    ) -> list[SaidMessage]:
        """Return messages, oldest first; `after` is the turn and number of the last message of the previous page."""
        place = (messages.c.turn_id, messages.c.id)
        query = _said.where(messages.c.conversation_id == conversation_id).order_by(*place).limit(written(limit))
        query = query.offset(written(offset)) if after is None else query.where(tuple_(*place) > tuple_(*after))
        return [_load_message(row) for row in await self._fetch(query)]

    async def last_messages(self, conversation_id: int, *, limit: int) -> list[SaidMessage]:
        """Return the last messages, oldest first."""
        query = _said.where(messages.c.conversation_id == conversation_id)
        query = query.order_by(messages.c.turn_id.desc(), messages.c.id.desc()).limit(written(limit))
        return [_load_message(row) for row in reversed(await self._fetch(query))]

    async def count_messages(self, conversation_id: int) -> int:
        """Return how many messages a conversation has."""
        query = select(func.count()).select_from(messages).where(messages.c.conversation_id == conversation_id)
        return await self._database.read_long(lambda connection: connection.execute(query).scalar_one())

    async def _fetch(self, query: Select[Any]) -> list[Row[Any]]:
        return list(await self._database.read_long(lambda connection: connection.execute(query).all()))


def _conditions(wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.bot is not None:
        found.append(conversations.c.bot == wanted.bot)
    if wanted.user_id is not None:
        found.append(conversations.c.user_id == wanted.user_id)
    if wanted.kind is not None:
        found.append(conversations.c.kind == wanted.kind.value)
    if wanted.updated_since is not None:
        # A turn is numbered when it begins, and may be answered later. Few go on for so long; all others are found
        # by the primary key.
        since = min(lowest_id(look_back(wanted.updated_since, _LONGEST_TURN)), _HIGHEST)
        is_recent = and_(turns.c.id >= since, turns.c.updated_at >= look_back(wanted.updated_since))
        found.append(conversations.c.id.in_(select(turns.c.conversation_id).where(is_recent)))
    if wanted.taken_over is not None:
        taken = conversations.c.id.in_(select(takeovers.c.conversation_id))
        found.append(taken if wanted.taken_over else ~taken)
    return found


def _load_line(row: Sequence[Any]) -> ConversationLine:
    values = list(row)
    values[12] = values[12] or ""
    return ConversationLine._make(values)


def _load_message(row: Sequence[Any]) -> SaidMessage:
    number, turn_id, role, content, created_at, operator, state, kind = row
    return SaidMessage(number, turn_id, role, content, created_at, operator or "", state, kind)
