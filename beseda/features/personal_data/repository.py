"""Everything that belongs to one person in one bot.

A person owns the turns they opened, in private chats and in groups: their messages and the answers to them. Messages of
others in a group stay. Everything else is exported and erased by the sources.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, or_, select, tuple_

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.clock import Clock, SystemClock
from beseda.core.message import Role
from beseda.db.database import Database
from beseda.engine.conversations.personal_data import own_chat
from beseda.engine.conversations.tables import conversations, messages, users
from beseda.engine.files.model import FileKind, FileOwner
from beseda.engine.files.tables import files
from beseda.engine.jobs.personal_data import own_jobs
from beseda.engine.jobs.tables import jobs
from beseda.engine.personal_data import Erasure, PersonalDataSource, PersonalMarks, Rows
from beseda.engine.turns.personal_data import blank_notices, forget_turns, own_turns
from beseda.engine.turns.tables import turns
from beseda.features.personal_data.model import Forgotten, Invitations, Profile, Said

_CHUNK = 200
_STALE = timedelta(hours=1)  # nobody works on a turn for that long: it was left behind


class PersonalDataRepository:
    """Personal data in SQL. Every method raises StorageError if the database rejects the work or is unavailable.

    `sources` are erased in their order. `notified` are the owners of the bots, which receive notices about people.
    """

    def __init__(
        self,
        database: Database,
        sources: Sequence[PersonalDataSource],
        clock: Clock | None = None,
        notified: Collection[int] = (),
    ) -> None:
        self._database = database
        self._sources = sources
        self._clock = clock or SystemClock()
        self._notified = frozenset(notified)

    async def profile(self, user_id: int) -> Profile | None:
        """Return the person's row, or None."""
        query = select(users).where(users.c.id == user_id)
        row = await self._database.read_long(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        return Profile(Person(row.id, row.name, row.username, row.language), row.created_at, row.last_seen_at)

    async def conversations(self, owner: FileOwner) -> list[Conversation]:
        """Return the person's private chats with the bot, and the groups in which the person wrote to it."""
        spoken_in = select(turns.c.conversation_id).where(turns.c.user_id == owner.user_id)
        query = (
            select(conversations)
            .where(conversations.c.bot == owner.bot, or_(conversations.c.id.in_(spoken_in), own_chat(owner)))
            .order_by(conversations.c.id)
        )
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [
            Conversation(row.id, ChatKey(row.bot, row.chat_id, row.thread_id), ChatKind(row.kind), row.title)
            for row in rows
        ]

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

    async def export(self, owner: FileOwner) -> dict[str, Rows]:
        """Return the data of all sources by category."""

        def read(connection: Connection, *, exclusive: bool) -> dict[str, Rows]:
            sources = [source for source in self._sources if source.exclusive is exclusive]
            return {name: rows for source in sources for name, rows in source.export(connection, owner).items()}

        found = await self._database.read_long(lambda connection: read(connection, exclusive=False))
        # Inside the writer's transaction: a lead that merges meanwhile is not read in halves.
        return found | await self._database.write(lambda connection: read(connection, exclusive=True))

    async def invitations(self, owner: FileOwner) -> Invitations:
        """Return the calendar UIDs of the person's meetings, and the files of others that may contain them."""
        query = select(files.c.id, files.c.user_id).where(
            files.c.user_id.in_(self._notified - {owner.user_id}),
            files.c.bot == owner.bot,
            files.c.kind == FileKind.DOCUMENT.value,
            files.c.mime.startswith("text/calendar"),
        )

        def work(connection: Connection) -> Invitations:
            uids = self._find_marks(connection, owner).uids
            rows = connection.execute(query).all() if uids else []
            return Invitations(uids, [(row.id, FileOwner(owner.bot, row.user_id)) for row in rows])

        return await self._database.read_long(work)

    async def unfinished_jobs(self, owner: FileOwner) -> list[int]:
        """Return the ids of the person's unfinished jobs."""
        query = select(jobs.c.id).where(own_jobs(owner), jobs.c.finished_at.is_(None))
        return await self._database.read_long(lambda connection: list(connection.execute(query).scalars()))

    async def forget(self, owner: FileOwner) -> Forgotten:
        """Delete the person's turns with all dependent rows, and the data of all sources.

        Files are not deleted. The turns are deleted in pieces, so that other writes can run in between.
        """
        now = self._clock.now()
        chats = await self.conversations(owner)
        ids = [chat.id for chat in chats]
        own, stale = own_turns(owner, ids), now - _STALE

        def begin(connection: Connection) -> tuple[Erasure, Counter[str]]:
            erasure = Erasure(owner, self._find_marks(connection, owner), now)
            blank_notices(connection, owner.bot, self._notified - {owner.user_id}, erasure.marks.words)
            return erasure, self._forget(connection, erasure, exclusive=True)

        def finish(connection: Connection) -> tuple[Counter[str], int]:
            amounts = self._forget(connection, erasure, exclusive=False)
            return amounts, connection.execute(select(func.count()).where(own)).scalar_one()

        erasure, first = await self._database.write(begin)
        found = Forgotten(chats=tuple(chat.key for chat in chats))
        piece = _CHUNK
        while piece == _CHUNK:
            piece, said = await self._database.write(
                lambda connection: forget_turns(connection, own, ids, stale, _CHUNK)
            )
            found = replace(found, turns=found.turns + piece, messages=found.messages + said)
        rest, pending = await self._database.write(finish)
        amounts = first + rest
        return replace(found, leads=amounts["leads"], jobs=amounts["jobs"], pending=pending)

    def _find_marks(self, connection: Connection, owner: FileOwner) -> PersonalMarks:
        return sum((source.find_marks(connection, owner) for source in self._sources), PersonalMarks())

    def _forget(self, connection: Connection, erasure: Erasure, *, exclusive: bool) -> Counter[str]:
        amounts: Counter[str] = Counter()
        for source in self._sources:
            if source.exclusive is exclusive:
                amounts.update(source.forget(connection, erasure))
        return amounts
