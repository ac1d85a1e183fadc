"""Message ids in SQL: those of updates, of parts of answers, and of features that send messages themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, null, select

from beseda.db.database import Database
from beseda.engine.turns.tables import deliveries, turns
from beseda.engine.updates.tables import updates
from beseda.telegram.lookup import KnownMessage, KnownMessages
from beseda.telegram.part import COMMON_BOX, PartState

_SKEW = timedelta(seconds=0.25)  # by which clocks of replicas may differ
_MOST = 20_000  # ids read behind the last one before the call: more than a bot sends in the seconds of a search


@dataclass(frozen=True, slots=True)
class MessageTable:
    """A table of message ids. An id recorded before a call was issued before it.

    The messages of a table without a column `message_box` are in private chats.
    """

    table: Table
    recorded_at: Column[Any]

    def last(self, bot: str, box: int, before: datetime) -> Select[Any]:
        """Select the highest id recorded before then."""
        number = self.table.c.message_id
        wanted = *self._of(bot, box), self.recorded_at < before
        return select(number).where(*wanted).order_by(number.desc()).limit(1)

    def later(self, bot: str, box: int, known: int | None) -> Select[Any]:
        """Select the ids behind `known` (None: all ids), each with the start of its call."""
        number = self.table.c.message_id
        begun = self.table.c.begun_at if "begun_at" in self.table.c else null()
        query = select(number, begun).where(*self._of(bot, box)).order_by(number).limit(_MOST)
        return query if known is None else query.where(number > known)

    def holds(self, box: int) -> bool:
        """Return whether the table has messages of this counter."""
        return "message_box" in self.table.c or box == COMMON_BOX

    def _of(self, bot: str, box: int) -> list[ColumnElement[bool]]:
        wanted = [self.table.c.bot == bot, self.table.c.message_id.is_not(None)]
        if "message_box" in self.table.c:
            wanted.append(self.table.c.message_box == box)
        return wanted


_TABLES = (MessageTable(updates, updates.c.received_at), MessageTable(deliveries, deliveries.c.updated_at))


class SentMessageRepository:
    """Reads recorded message ids, those in `tables` of features as well; each table has an index for it."""

    def __init__(self, database: Database, tables: Sequence[MessageTable] = ()) -> None:
        self._database = database
        self._tables = (*_TABLES, *tables)

    async def around(self, bot: str, box: int, begun_at: datetime) -> KnownMessages:
        """Return the ids of counter `box` around a call that began then, and the number of unknown calls before it.

        A call is unknown if it has no recorded outcome. Raises StorageError.
        """
        tables = [table for table in self._tables if table.holds(box)]

        def work(connection: Connection) -> KnownMessages:
            last = [connection.execute(table.last(bot, box, begun_at - _SKEW)).scalar() for table in tables]
            known = max((number for number in last if number is not None), default=None)
            rows = [row for table in tables for row in connection.execute(table.later(bot, box, known))]
            found = sorted((KnownMessage(row[0], row[1]) for row in rows), key=lambda message: message.message_id)
            unknown = connection.execute(_count_unknown(bot, box, begun_at)).scalar_one()
            return KnownMessages(known, found[:_MOST], unknown, is_whole=len(found) < _MOST)

        return await self._database.read(work)


def _count_unknown(bot: str, box: int, before: datetime) -> Select[int]:
    """Select the number of sends that began before then and have no outcome. An index covers only these rows."""
    lost = [deliveries.c.state == PartState.SENDING.value, deliveries.c.message_id.is_(None)]
    here = [deliveries.c.bot == bot, deliveries.c.message_box == box, deliveries.c.begun_at < before]
    of_turn = (turns.c.id == deliveries.c.turn_id) & (turns.c.attempt == deliveries.c.attempt)
    return select(func.count()).select_from(deliveries.join(turns, of_turn)).where(*lost, *here)
