"""Everything that belongs to one person in one bot.

A person owns the turns they opened, in private chats and in groups: their messages and the answers to them. Messages of
others in a group stay. The bare rows of the private conversation and of the person also stay, without names: the turn
in which they asked for deletion and all later messages still refer to both.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, func, or_, select, tuple_, update

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.clock import Clock, SystemClock
from beseda.core.message import Role
from beseda.db.database import Database
from beseda.engine.conversations.summary_repository import forget_summaries
from beseda.engine.conversations.tables import conversations, messages, users
from beseda.engine.files.model import FileKind, FileOwner
from beseda.engine.files.tables import files
from beseda.engine.jobs.tables import jobs
from beseda.engine.turns.model import TurnState
from beseda.engine.turns.tables import deliveries, model_calls, turns
from beseda.engine.updates.tables import updates
from beseda.features.leads.model import LeadRecord
from beseda.features.leads.person import find_records, forget_leads
from beseda.features.personal_data._traces import (
    PersonalMarks,
    Rows,
    blank_notices,
    find_known,
    forget_traces,
    read_traces,
)
from beseda.features.personal_data.model import Forgotten, Invitations, Profile, Said

_CHUNK = 200
_STALE = timedelta(hours=1)  # nobody works on a turn for that long: it was left behind


class PersonalDataRepository:
    """Personal data in SQL. Every method raises StorageError if the database rejects the work or is unavailable.

    The collection of Telegram ids names the owners of the bots, which receive notices about other people.
    """

    def __init__(self, database: Database, clock: Clock | None = None, told: Collection[int] = ()) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._told = frozenset(told)

    async def profile(self, user_id: int) -> Profile | None:
        """Return the person's row, or None."""
        query = select(users).where(users.c.id == user_id)
        row = await self._database.read_long(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        return Profile(Person(row.id, row.name, row.username, row.language), row.created_at, row.last_seen_at)

    async def conversations(self, owner: FileOwner) -> list[Conversation]:
        """Return the person's private chats with the bot, and the groups in which the person wrote to it."""
        return await self._database.read_long(lambda connection: _find_conversations(connection, owner))

    async def said(
        self, conversation: Conversation, owner: FileOwner, *, after: Said | None = None, limit: int = 500
    ) -> list[Said]:
        """Return the person's messages in a conversation and the answers to them, in order, behind `after` if given."""
        place = (after.turn_id, after.id) if after else (-1, -1)
        query = (
            select(messages)
            .join(turns, turns.c.id == messages.c.turn_id)
            .where(
                messages.c.conversation_id == conversation.id,
                turns.c.user_id == owner.user_id,
                tuple_(messages.c.turn_id, messages.c.id) > tuple_(*place),
            )
            .order_by(messages.c.turn_id, messages.c.id)
            .limit(limit)
        )
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [Said(row.turn_id, row.id, Role(row.role), row.content, row.created_at) for row in rows]

    async def leads(self, owner: FileOwner) -> Sequence[LeadRecord]:
        """Return the person's leads with all their own data, without statements of other people."""
        # Inside the writer's transaction: a lead that merges meanwhile is not read in halves.
        return await self._database.write(lambda connection: find_records(connection, owner))

    async def traces(self, owner: FileOwner) -> Mapping[str, Rows]:
        """Return the person's other data by category."""
        return await self._database.read_long(lambda connection: read_traces(connection, owner))

    async def invitations(self, owner: FileOwner) -> Invitations:
        """Return the calendar UIDs of the person's meetings, and the files of others that may contain them."""
        query = select(files.c.id, files.c.user_id).where(
            files.c.user_id.in_(self._told - {owner.user_id}),
            files.c.bot == owner.bot,
            files.c.kind == FileKind.DOCUMENT.value,
            files.c.mime.startswith("text/calendar"),
        )

        def work(connection: Connection) -> Invitations:
            known = find_known(connection, owner)
            rows = connection.execute(query).all() if known.uids else []
            return Invitations(known.uids, [(row.id, FileOwner(owner.bot, row.user_id)) for row in rows])

        return await self._database.read_long(work)

    async def unfinished_jobs(self, owner: FileOwner) -> list[int]:
        """Return the ids of the person's unfinished jobs."""
        query = select(jobs.c.id).where(_has_job(owner), jobs.c.finished_at.is_(None))
        return await self._database.read_long(lambda connection: list(connection.execute(query).scalars()))

    async def forget(self, owner: FileOwner) -> Forgotten:
        """Delete the person's turns with all dependent rows, leads and finished jobs; blank the data that must stay.

        Files are not deleted. The work is split into transactions, so that other writes can run in between; the person
        is opted out together with the other traces.
        """
        now = self._clock.now()
        stale = now - _STALE
        chats = await self.conversations(owner)
        ids = [chat.id for chat in chats]
        known, gone = await self._database.write(lambda connection: _forget_leads(connection, owner, self._told, now))
        found = Forgotten(chats=tuple(chat.key for chat in chats), leads=gone)
        while True:
            piece = await self._database.write(lambda connection: _forget_turns(connection, owner, ids, stale))
            found = replace(found, turns=found.turns + piece.turns, messages=found.messages + piece.messages)
            if piece.turns < _CHUNK:
                break
        await self._database.write(lambda connection: forget_traces(connection, owner, known, now))
        gone, pending = await self._database.write(lambda connection: _blank(connection, owner, ids))
        return replace(found, jobs=gone, pending=pending)


def _has_job(owner: FileOwner) -> ColumnElement[bool]:
    return and_(jobs.c.user_id == owner.user_id, jobs.c.bot == owner.bot)


def _is_private(owner: FileOwner) -> ColumnElement[bool]:
    return and_(conversations.c.kind == ChatKind.PRIVATE.value, conversations.c.chat_id == owner.user_id)


def _find_conversations(connection: Connection, owner: FileOwner) -> list[Conversation]:
    spoken_in = select(turns.c.conversation_id).where(turns.c.user_id == owner.user_id)
    query = (
        select(conversations)
        .where(
            conversations.c.bot == owner.bot,
            or_(conversations.c.id.in_(spoken_in), and_(conversations.c.user_id == owner.user_id, _is_private(owner))),
        )
        .order_by(conversations.c.id)
    )
    return [_load(row) for row in connection.execute(query)]


def _load(row: Row[Any]) -> Conversation:
    return Conversation(row.id, ChatKey(row.bot, row.chat_id, row.thread_id), ChatKind(row.kind), row.title)


def _own_turns(owner: FileOwner, conversation_ids: Sequence[int]) -> ColumnElement[bool]:
    return and_(turns.c.user_id == owner.user_id, turns.c.conversation_id.in_(conversation_ids))


def _forget_leads(
    connection: Connection, owner: FileOwner, told: frozenset[int], now: datetime
) -> tuple[PersonalMarks, int]:
    known = find_known(connection, owner)
    blank_notices(connection, owner.bot, told - {owner.user_id}, known)
    return known, forget_leads(connection, owner, now)


def _forget_turns(
    connection: Connection, owner: FileOwner, conversation_ids: Sequence[int], stale: datetime
) -> Forgotten:
    over = or_(turns.c.state.in_([TurnState.DELIVERED.value, TurnState.FAILED.value]), turns.c.updated_at < stale)
    query = select(turns.c.id).where(_own_turns(owner, conversation_ids), over).order_by(turns.c.id).limit(_CHUNK)
    ids = list(connection.execute(query).scalars())
    forget_summaries(connection, conversation_ids)
    said = connection.execute(delete(messages).where(messages.c.turn_id.in_(ids))).rowcount
    connection.execute(delete(deliveries).where(deliveries.c.turn_id.in_(ids)))
    connection.execute(delete(model_calls).where(model_calls.c.turn_id.in_(ids)))
    # The numbers stay, so that Telegram's repetitions are known; what was in them is gone since they were worked off.
    connection.execute(update(updates).where(updates.c.turn_id.in_(ids)).values(turn_id=None))
    connection.execute(delete(turns).where(turns.c.id.in_(ids)))
    return Forgotten(turns=len(ids), messages=said)


def _blank(connection: Connection, owner: FileOwner, conversation_ids: Sequence[int]) -> tuple[int, int]:
    """Delete finished jobs and blank names. Return the number of deleted jobs and the number of turns still open."""
    gone = connection.execute(delete(jobs).where(_has_job(owner), jobs.c.finished_at.is_not(None))).rowcount
    connection.execute(
        update(conversations)
        .where(conversations.c.id.in_(conversation_ids), _is_private(owner), conversations.c.title != "")
        .values(title="")
    )
    known: object = connection.execute(_is_known_elsewhere(owner)).scalar()
    if not known:
        names = {"name": "", "username": "", "language": ""}
        connection.execute(update(users).where(users.c.id == owner.user_id).values(names))
    pending = select(func.count()).where(_own_turns(owner, conversation_ids))
    return gone, int(connection.execute(pending).scalar_one())


def _is_known_elsewhere(owner: FileOwner) -> Select[Any]:
    opened = exists().where(conversations.c.user_id == owner.user_id, conversations.c.bot != owner.bot)
    spoke = exists().where(
        turns.c.user_id == owner.user_id,
        turns.c.conversation_id == conversations.c.id,
        conversations.c.bot != owner.bot,
    )
    return select(or_(opened, spoke))
