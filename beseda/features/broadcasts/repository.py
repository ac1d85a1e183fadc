"""Broadcasts in SQL. Counters are updated in the transaction of the change that they count."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, case, delete, exists, func, insert, literal, select, update

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import BroadcastBusyError, StorageError
from beseda.db.database import Database
from beseda.engine.conversations.tables import conversations
from beseda.features.broadcasts.model import (
    Audience,
    Broadcast,
    BroadcastFilter,
    BroadcastState,
    Counts,
    NewBroadcast,
    Recipient,
    RecipientState,
)
from beseda.features.broadcasts.queries import (
    BROADCASTS,
    load_recipient,
    match,
    select_people,
    select_recipients,
)
from beseda.features.broadcasts.subscriptions import is_unwanted, put_subscription
from beseda.features.broadcasts.tables import ONE_RUNNING, broadcasts
from beseda.features.broadcasts.tables import broadcast_recipients as people


class Turnout(StrEnum):
    """Whether a recipient may be sent to now."""

    GO = "go"
    SKIP = "skip"  # not this one: another process has them, or they do not want to
    END = "end"  # nobody any more: paused, cancelled, stopped


_PENDING, _SENDING, _SKIPPED = (
    RecipientState.PENDING.value,
    RecipientState.SENDING.value,
    RecipientState.SKIPPED.value,
)
# Columns of a broadcast that its author does not write: they change as it is sent.
_MOVED = frozenset({field.name for field in fields(Counts)}) | {
    *("id", "bot", "author", "state", "reason", "run", "approved", "gathered", "version"),
    *("created_at", "started_at", "finished_at", "resumes_at"),
}
_ACTIVE = [state.value for state in BroadcastState if state.sends]


class BroadcastRepository:
    """Broadcasts in SQL. Every method raises StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def create(self, new: NewBroadcast) -> Broadcast:
        """Store a draft."""
        draft = Broadcast(
            id=0,
            bot=new.bot,
            title=new.title,
            content=new.content,
            audience=new.audience,
            plan=new.plan,
            state=BroadcastState.DRAFT,
            counts=Counts(),
            created_at=self._clock.now(),
            author=new.author,
        )
        values = {**BROADCASTS.values(draft, without={"id"}), "gathered_to": 0}
        put = insert(broadcasts).values(values).returning(*BROADCASTS.columns)
        return BROADCASTS.load(await self._database.write(lambda connection: connection.execute(put).one()))

    async def find(self, broadcast_id: int) -> Broadcast | None:
        """Return a broadcast, or None."""
        return await self._database.read(lambda connection: _find(connection, broadcast_id))

    async def count(self, wanted: BroadcastFilter) -> int:
        """Return the number of broadcasts that match."""
        query = select(func.count()).select_from(broadcasts).where(*match(wanted))
        return int(await self._database.read_long(lambda connection: connection.execute(query).scalar_one()))

    async def rewrite(self, broadcast: Broadcast, *, photo: bytes | None = None) -> Broadcast | None:
        """Store the content of a draft and return it, or None if it is no longer a draft of that version.

        The content is all that its author writes: its text, audience, plan and photo.
        """
        kept = {name: value for name, value in BROADCASTS.values(broadcast).items() if name not in _MOVED}
        values: dict[str, object] = {**kept, "version": broadcast.version + 1}
        if photo is not None or not broadcast.photo:
            values["photo_bytes"] = photo
        change = (
            update(broadcasts)
            .where(
                broadcasts.c.id == broadcast.id,
                broadcasts.c.state == BroadcastState.DRAFT.value,
                broadcasts.c.version == broadcast.version,
            )
            .values(values)
            .returning(*BROADCASTS.columns)
        )
        row = await self._database.write(lambda connection: connection.execute(change).one_or_none())
        return BROADCASTS.load(row) if row is not None else None

    async def photo(self, broadcast_id: int) -> bytes:
        """Return the bytes of the photo, or empty bytes if the broadcast has none."""
        query = select(broadcasts.c.photo_bytes).where(broadcasts.c.id == broadcast_id)
        found = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return bytes(found or b"")

    async def delete(self, broadcast_id: int) -> bool:
        """Delete a draft. Return False if there is no draft with this number."""
        return await self._database.write(lambda connection: _delete(connection, broadcast_id))

    async def move(
        self, broadcast_id: int, states: Collection[BroadcastState], to: BroadcastState, *, reason: str = ""
    ) -> Broadcast | None:
        """Move a broadcast from one of `states` to the state `to` and return it, or None if it is in none of `states`.

        Raises BroadcastBusyError if another broadcast of the bot is running.
        """
        now = self._clock.now()
        try:
            return await self._database.write(
                lambda connection: _move(connection, broadcast_id, states, (to, reason), now)
            )
        except StorageError as error:
            if error.constraint == ONE_RUNNING:
                raise BroadcastBusyError(f"broadcast {broadcast_id}: another one of its bot is running") from error
            raise

    async def count_audience(self, bot: str, audience: Audience) -> int:
        """Return the number of people that a broadcast would be sent to."""
        query = select_people(bot, audience, func.count(conversations.c.chat_id.distinct()))
        return int(await self._database.read_long(lambda connection: connection.execute(query).scalar_one()))

    async def gather(self, broadcast_id: int, *, limit: int) -> int:
        """Add the next people of the audience to the recipients. Return their number, or 0 once all are listed."""
        # Looked for outside of the transaction that writes: it may have to walk past a million others.
        broadcast, after = await self._database.read(lambda connection: _find_gathering(connection, broadcast_id))
        if broadcast is None or broadcast.gathered:
            return 0
        found = await self._read_people(broadcast, after=after, limit=limit)
        return await self._database.write(lambda connection: _enlist(connection, broadcast_id, found, after))

    async def gather_cohort(self, broadcast_id: int, *, people: Collection[int] = (), size: int = 0) -> int:
        """Add some of these people, or the first `size` of the audience, to the recipients. Return their number."""
        broadcast = await self.find(broadcast_id)
        if broadcast is None:
            return 0
        if people:
            broadcast = replace(broadcast, audience=Audience())
        found = await self._read_people(broadcast, limit=len(people) or size, only=people)
        return await self._database.write(lambda connection: _enlist(connection, broadcast_id, found, None))

    async def _read_people(
        self, broadcast: Broadcast, *, limit: int, after: int = 0, only: Collection[int] = ()
    ) -> list[int]:
        query = select_people(broadcast.bot, broadcast.audience, conversations.c.chat_id).distinct()
        query = query.where(conversations.c.chat_id > after).order_by(conversations.c.chat_id).limit(limit)
        if only:
            query = query.where(conversations.c.chat_id.in_(only))
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def list(
        self, wanted: BroadcastFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> Sequence[Broadcast]:
        """Return broadcasts, newest first: those with numbers below `before`, or from `offset` on."""
        query = select(*BROADCASTS.columns).where(*match(wanted)).order_by(broadcasts.c.id.desc()).limit(limit)
        query = query.offset(offset) if before is None else query.where(broadcasts.c.id < before)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return BROADCASTS.load_all(rows)

    async def pending(self, broadcast_id: int, *, after: int, limit: int) -> Sequence[Recipient]:
        """Return pending recipients, ordered by their ids."""
        return await self.recipients(broadcast_id, RecipientState.PENDING, after=after, limit=limit)

    async def recipients(
        self, broadcast_id: int, state: RecipientState | None, *, after: int, limit: int
    ) -> Sequence[Recipient]:
        """Return recipients of a broadcast, ordered by their ids."""
        query = select_recipients(broadcast_id).where(people.c.user_id > after).limit(limit)
        if state is not None:
            query = query.where(people.c.state == state.value)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [load_recipient(row) for row in rows]

    async def begin(self, broadcast_id: int, user_id: int, run: int) -> Turnout:
        """Mark a recipient as being sent to before Telegram is called."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _begin(connection, (broadcast_id, user_id), run, now))

    async def release(self, broadcast_id: int, user_id: int) -> None:
        """Undo `begin`, because Telegram did not accept the message."""

        def work(connection: Connection) -> None:
            if _mark(connection, (broadcast_id, user_id), _SENDING, {"state": _PENDING}):
                _count(connection, broadcast_id, attempted=-1)

        await self._database.write(work)

    async def settle(
        self, broadcast_id: int, user_id: int, state: RecipientState, *, message_id: int | None = None, reason: str = ""
    ) -> None:
        """Record the outcome for a recipient. If the recipient blocked the bot, later broadcasts skip them as well."""
        now = self._clock.now()
        values = {"state": state.value, "message_id": message_id, "reason": reason, "settled_at": now}

        def work(connection: Connection) -> None:
            if not _mark(connection, (broadcast_id, user_id), _SENDING, values):
                return
            _count(connection, broadcast_id, **{state.value: 1})
            if state is RecipientState.BLOCKED:
                bot = connection.execute(select(broadcasts.c.bot).where(broadcasts.c.id == broadcast_id)).scalar_one()
                put_subscription(connection, bot, user_id, blocked_at=now)

        await self._database.write(work)

    async def outcomes(self, broadcast_id: int, *, limit: int) -> Sequence[RecipientState]:
        """Return the last outcomes since the broadcast began or was resumed, in chronological order."""
        query = (
            select(people.c.state)
            .join(broadcasts, broadcasts.c.id == people.c.broadcast_id)
            .where(
                people.c.broadcast_id == broadcast_id,
                people.c.settled_at >= broadcasts.c.sending_since,
                people.c.state != _SKIPPED,
            )
            .order_by(people.c.settled_at.desc())
            .limit(limit)
        )
        found = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return [RecipientState(state) for state in reversed(found)]

    async def retry_unknown(self, broadcast_id: int) -> int:
        """Queue the recipients with an unknown outcome again and return their number."""
        again = update(people).where(people.c.broadcast_id == broadcast_id, people.c.state == _SENDING)

        def work(connection: Connection) -> int:
            count: int = connection.execute(again.values(state=_PENDING)).rowcount
            _count(connection, broadcast_id, attempted=-count)
            return count

        return await self._database.write(work)

    async def active(self) -> Sequence[Broadcast]:
        """Return the running broadcasts."""
        query = select(*BROADCASTS.columns).where(broadcasts.c.state.in_(_ACTIVE)).order_by(broadcasts.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return BROADCASTS.load_all(rows)

    async def next_run(self, broadcast_id: int, run: int) -> int:
        """Count one more job after number `run`, only once, and return the number of the latest job."""
        change = update(broadcasts).where(broadcasts.c.id == broadcast_id, broadcasts.c.run == run).values(run=run + 1)
        query = select(broadcasts.c.run).where(broadcasts.c.id == broadcast_id)

        def work(connection: Connection) -> int:
            connection.execute(change)
            return int(connection.execute(query).scalar_one())

        return await self._database.write(work)

    async def rest(self, broadcast_id: int, until: datetime | None) -> None:
        """Store the time at which a broadcast continues after its quiet hours."""
        change = update(broadcasts).where(broadcasts.c.id == broadcast_id).values(resumes_at=until)
        await self._database.write(lambda connection: connection.execute(change).rowcount)


def _find(connection: Connection, broadcast_id: int) -> Broadcast | None:
    row = connection.execute(select(*BROADCASTS.columns).where(broadcasts.c.id == broadcast_id)).one_or_none()
    return BROADCASTS.load(row) if row is not None else None


def _find_gathering(connection: Connection, broadcast_id: int) -> tuple[Broadcast | None, int]:
    query = select(*BROADCASTS.columns, broadcasts.c.gathered_to).where(broadcasts.c.id == broadcast_id)
    row = connection.execute(query).one_or_none()
    return (BROADCASTS.load(row), row.gathered_to) if row is not None else (None, 0)


def _delete(connection: Connection, broadcast_id: int) -> bool:
    draft = broadcasts.c.id == broadcast_id, broadcasts.c.state == BroadcastState.DRAFT.value
    if connection.execute(select(broadcasts.c.id).where(*draft).with_for_update()).one_or_none() is None:
        return False
    # A start that got no further than to its cohort has left people on the list.
    connection.execute(delete(people).where(people.c.broadcast_id == broadcast_id))
    connection.execute(delete(broadcasts).where(*draft))
    return True


def _move(
    connection: Connection,
    broadcast_id: int,
    states: Collection[BroadcastState],
    target: tuple[BroadcastState, str],
    now: datetime,
) -> Broadcast | None:
    to, reason = target
    values: dict[str, Any] = {"state": to.value, "reason": reason, "resumes_at": None}
    if to.sends:
        values["started_at"] = func.coalesce(broadcasts.c.started_at, literal(now, broadcasts.c.started_at.type))
        values |= {"sending_since": now, "finished_at": None}
    if to is BroadcastState.RUNNING:
        values["approved"] = True
    if to.is_over:
        values["finished_at"] = now
    change = update(broadcasts).where(
        broadcasts.c.id == broadcast_id, broadcasts.c.state.in_([state.value for state in states])
    )
    if to is BroadcastState.DONE:
        # Somebody may have been released, or put on the list, since the last look.
        left = exists().where(people.c.broadcast_id == broadcast_id, people.c.state == _PENDING)
        change = change.where(~left, broadcasts.c.gathered)
    row = connection.execute(change.values(values).returning(*BROADCASTS.columns)).one_or_none()
    return BROADCASTS.load(row) if row is not None else None


def _enlist(connection: Connection, broadcast_id: int, found: Sequence[int], after: int | None) -> int:
    """Add people that are not recipients yet; `after` is the position from which the query for them started."""
    row = connection.execute(
        select(broadcasts.c.gathered_to).where(broadcasts.c.id == broadcast_id).with_for_update()
    ).one()
    if after is not None and row.gathered_to != after:
        return len(found)  # another process was quicker
    known = set(
        connection.execute(
            select(people.c.user_id).where(people.c.broadcast_id == broadcast_id, people.c.user_id.in_(found))
        ).scalars()
    )
    fresh = [user_id for user_id in found if user_id not in known]
    if fresh:
        rows = [{"broadcast_id": broadcast_id, "user_id": one, "state": _PENDING, "reason": ""} for one in fresh]
        connection.execute(insert(people), rows)
    values: dict[str, Any] = {"total": broadcasts.c.total + len(fresh)}
    if after is not None:
        values |= {"gathered_to": found[-1]} if found else {"gathered": True}
    connection.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(values))
    return len(found)


def _begin(connection: Connection, who: tuple[int, int], run: int, now: datetime) -> Turnout:
    broadcast_id, user_id = who
    # Locked, so that a pause that was answered lets nobody slip through after it.
    state = (
        select(broadcasts.c.state, broadcasts.c.bot, broadcasts.c.run)
        .where(broadcasts.c.id == broadcast_id)
        .with_for_update()
    )
    row = connection.execute(state).one_or_none()
    if row is None or row.state not in _ACTIVE or row.run != run:
        return Turnout.END
    unwanted = is_unwanted(row.bot, user_id)
    values = {
        "bot": row.bot,
        "state": case((unwanted, _SKIPPED), else_=_SENDING),
        "settled_at": case((unwanted, literal(now, people.c.settled_at.type)), else_=None),
    }
    became = _mark(connection, who, _PENDING, values)
    if became is None:
        return Turnout.SKIP
    if became == _SKIPPED:
        _count(connection, broadcast_id, skipped=1)
        return Turnout.SKIP
    _count(connection, broadcast_id, attempted=1)
    return Turnout.GO


def _mark(connection: Connection, who: tuple[int, int], state: str, values: dict[str, Any]) -> str | None:
    """Change a recipient in `state` and return the new state, or None if the recipient is in another state."""
    change = (
        update(people)
        .where(people.c.broadcast_id == who[0], people.c.user_id == who[1], people.c.state == state)
        .values(values)
        .returning(people.c.state)
    )
    found: str | None = connection.execute(change).scalar_one_or_none()
    return found


def _count(connection: Connection, broadcast_id: int, **changes: int) -> None:
    values = {name: broadcasts.c[name] + change for name, change in changes.items()}
    connection.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(values))
