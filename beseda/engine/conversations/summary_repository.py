"""Summaries of conversations in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Row,
    Select,
    Table,
    Text,
    and_,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock, SystemClock
from beseda.core.message import Message, Role
from beseda.db.database import Database
from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime
from beseda.engine.conversations.remembered import is_remembered
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.events.model import EventType, NewEvent, redact
from beseda.engine.events.repository import write_events
from beseda.engine.events.tables import events

MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of all messages up to and including the turn `cutoff`."""

    conversation_id: int
    text: str
    cutoff: int
    model: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Messages that are next to be summed up, whole turns of them up to `cutoff`, and the summary of all before."""

    conversation_id: int
    base: Summary | None
    messages: Sequence[Message]
    cutoff: int


def cut_words(text: str, most: int = MAX_WORDS) -> str:
    """Return at most `most` words of a text, ending with a sentence if one ends in the second half of them."""
    words = text.split()
    if len(words) <= most:
        return text.strip()
    kept = " ".join(words[:most])
    end = max(kept.rfind(mark) for mark in (". ", "! ", "? ", "… "))
    return kept[: end + 1] if end > len(kept) // 2 else f"{kept}…"


conversation_summaries = Table(
    "conversation_summaries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("summary", CleanText, nullable=False),
    # The last turn that it tells of. No reference: that turn may be deleted, and what is told of it with it.
    Column("cutoff_turn_id", Key, nullable=False),
    Column("model", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)


class SummaryRepository:
    """Summaries in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def find(self, conversation_id: int) -> Summary | None:
        """Return a conversation's summary, or None."""
        return await self._database.read(lambda connection: _find(connection, conversation_id))

    async def count(self, conversation_id: int, window: int) -> int:
        """Return the number of messages that are neither in the window nor in the summary."""

        def work(connection: Connection) -> int:
            beyond = _beyond(connection, conversation_id, window, _find(connection, conversation_id))
            return 0 if beyond is None else int(connection.execute(select(func.count()).where(beyond)).scalar_one())

        return await self._database.read_long(work)

    async def next_piece(self, conversation_id: int, window: int, limit: int) -> Piece | None:
        """Return the oldest of those messages, about `limit` of them, or None if there are none."""

        def work(connection: Connection) -> Piece | None:
            base = _find(connection, conversation_id)
            beyond = _beyond(connection, conversation_id, window, base)
            if beyond is None:
                return None
            rows = connection.execute(_in_order(select(messages).where(beyond)).limit(limit)).all()
            return _cut_piece(conversation_id, base, rows, full=len(rows) == limit)

        return await self._database.read_long(work)

    async def save(self, piece: Piece, text: str, model: str) -> Summary | None:
        """Store the summary up to the end of a piece. Return None if its messages were deleted meanwhile."""
        summary, now = Summary(piece.conversation_id, text, piece.cutoff, model), self._clock.now()

        def work(connection: Connection) -> Summary | None:
            if not _still_stands(connection, piece):
                return None
            _upsert(connection, summary, now)
            _tell(connection, summary, now)
            return summary

        return await self._database.write(work)


def forget_summaries(connection: Connection, conversation_ids: Sequence[int]) -> None:
    """Delete the summaries of conversations, inside the transaction that deletes their messages."""
    gone = conversation_summaries.c.conversation_id.in_(conversation_ids)
    if connection.execute(delete(conversation_summaries).where(gone)).rowcount:
        _withdraw_events(connection, conversation_ids)


def _withdraw_events(connection: Connection, conversation_ids: Sequence[int]) -> None:
    """Redact the events of deleted summaries."""
    people = select(conversations.c.user_id).where(conversations.c.id.in_(conversation_ids))
    told = events.c.type == EventType.CONVERSATION_SUMMARY_CREATED.value
    for row in connection.execute(select(events.c.id, events.c.data).where(told, events.c.user_id.in_(people))).all():
        data = orjson.loads(row.data)
        if data.get("conversation_id") in conversation_ids:
            text = orjson.dumps(redact(data)).decode()
            connection.execute(update(events).where(events.c.id == row.id).values(data=text))


def _find(connection: Connection, conversation_id: int) -> Summary | None:
    query = select(conversation_summaries).where(conversation_summaries.c.conversation_id == conversation_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Summary(row.conversation_id, row.summary, row.cutoff_turn_id, row.model)


def _beyond(
    connection: Connection, conversation_id: int, window: int, base: Summary | None
) -> ColumnElement[bool] | None:
    """Return the condition for messages between the summary and the window, or None if the window is not full.

    `window` counts the new message of the next prompt, which shows one stored message fewer. A prompt begins with a
    person's message: answers before that are left out.
    """
    here = and_(messages.c.conversation_id == conversation_id, is_remembered)
    newest = (
        select(messages.c.turn_id, messages.c.role)
        .where(here)
        .order_by(messages.c.turn_id.desc(), messages.c.id.desc())
    )
    rows = connection.execute(newest.limit(window)).all()
    if len(rows) < window:
        return None
    shown = reversed(rows[:-1])
    begin = next((row.turn_id for row in shown if row.role == Role.USER), rows[0].turn_id + 1)
    return and_(here, messages.c.turn_id < begin, messages.c.turn_id > (base.cutoff if base else -1))


def _in_order(query: Select[Any]) -> Select[Any]:
    return query.order_by(messages.c.turn_id, messages.c.id)


def _cut_piece(conversation_id: int, base: Summary | None, rows: Sequence[Row[Any]], *, full: bool) -> Piece | None:
    """Return whole turns only: the last one may continue behind the limit, and is then left for the next piece."""
    if not rows:
        return None
    last = rows[-1].turn_id
    whole = [row for row in rows if row.turn_id != last] if full and rows[0].turn_id != last else list(rows)
    said = [Message(Role(row.role), row.content) for row in whole]
    return Piece(conversation_id, base, said, whole[-1].turn_id)


def _still_stands(connection: Connection, piece: Piece) -> bool:
    if _find(connection, piece.conversation_id) != piece.base:
        return False
    told = and_(
        messages.c.conversation_id == piece.conversation_id,
        is_remembered,
        messages.c.turn_id <= piece.cutoff,
        messages.c.turn_id > (piece.base.cutoff if piece.base else -1),
    )
    return connection.execute(select(func.count()).where(told)).scalar_one() == len(piece.messages)


def _upsert(connection: Connection, summary: Summary, now: datetime) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    changed = {"summary": summary.text, "cutoff_turn_id": summary.cutoff, "model": summary.model, "updated_at": now}
    new = {"conversation_id": summary.conversation_id, "created_at": now, **changed}
    statement = insert(conversation_summaries).values(new)
    connection.execute(statement.on_conflict_do_update(index_elements=["conversation_id"], set_=changed))


def _tell(connection: Connection, summary: Summary, now: datetime) -> None:
    query = select(conversations.c.bot, conversations.c.user_id).where(conversations.c.id == summary.conversation_id)
    row = connection.execute(query).one()
    data = {"conversation_id": summary.conversation_id, "summary": summary.text}
    write_events(
        connection, [NewEvent(EventType.CONVERSATION_SUMMARY_CREATED, row.bot, user_id=row.user_id, data=data)], now
    )
