"""Message ids in SQL: those of updates, of parts of answers and of broadcasts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, null, select

from beseda.db.database import Database
from beseda.engine.turns.tables import deliveries, turns
from beseda.engine.updates.tables import updates
from beseda.features.broadcasts.tables import broadcast_recipients
from beseda.telegram.lookup import KnownMessage, KnownMessages
from beseda.telegram.part import COMMON_BOX, PartState

_SKEW = timedelta(seconds=0.25)  # by which clocks of replicas may differ
_MOST = 20_000  # ids read behind the last one before the call: more than a bot sends in the seconds of a search


class SentMessageRepository:
    """Reads recorded message ids; each table has an index for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def around(self, bot: str, box: int, begun_at: datetime) -> KnownMessages:
        """Return the ids of counter `box` around a call that began then, and the number of unknown calls before it.

        A call is unknown if it has no recorded outcome. Raises StorageError.
        """
        return await self._database.read(lambda connection: _look(connection, bot, box, begun_at))


def _look(connection: Connection, bot: str, box: int, begun_at: datetime) -> KnownMessages:
    before = begun_at - _SKEW
    sources = [_Source(table, recorded_at, bot, box) for table, recorded_at in _TABLES if _holds(table, box)]
    last = [connection.execute(source.last(before)).scalar() for source in sources]
    known = max((number for number in last if number is not None), default=None)
    rows = [row for source in sources for row in connection.execute(source.later(known))]
    found = sorted((KnownMessage(row[0], row[1]) for row in rows), key=lambda message: message.message_id)
    unknown = connection.execute(_count_unknown(bot, box, begun_at)).scalar_one()
    return KnownMessages(known, found[:_MOST], unknown, is_whole=len(found) < _MOST)


def _count_unknown(bot: str, box: int, before: datetime) -> Select[int]:
    """Select the number of sends that began before then and have no outcome. An index covers only these rows."""
    lost = [deliveries.c.state == PartState.SENDING.value, deliveries.c.message_id.is_(None)]
    here = [deliveries.c.bot == bot, deliveries.c.message_box == box, deliveries.c.begun_at < before]
    of_turn = (turns.c.id == deliveries.c.turn_id) & (turns.c.attempt == deliveries.c.attempt)
    return select(func.count()).select_from(deliveries.join(turns, of_turn)).where(*lost, *here)


_TABLES: tuple[tuple[Table, Column[Any]], ...] = (
    (updates, updates.c.received_at),
    (deliveries, deliveries.c.updated_at),
    (broadcast_recipients, broadcast_recipients.c.settled_at),
)


def _holds(table: Table, box: int) -> bool:
    return table is not broadcast_recipients or box == COMMON_BOX  # broadcasts go to private chats


class _Source:
    """One table of message ids. An id recorded before a call was issued before it."""

    def __init__(self, table: Table, recorded_at: Column[Any], bot: str, box: int) -> None:
        self._table = table
        self._recorded_at = recorded_at
        self._wanted = [table.c.bot == bot, table.c.message_id.is_not(None)]
        if "message_box" in table.c:
            self._wanted.append(table.c.message_box == box)

    def last(self, before: datetime) -> Select[Any]:
        """Select the highest id recorded before then."""
        number = self._table.c.message_id
        return select(number).where(*self._wanted, self._recorded_at < before).order_by(number.desc()).limit(1)

    def later(self, known: int | None) -> Select[Any]:
        """Select the ids behind `known` (None: all ids), each with the start of its call."""
        number = self._table.c.message_id
        begun = self._table.c.begun_at if "begun_at" in self._table.c else null()
        query = select(number, begun).where(*self._wanted).order_by(number).limit(_MOST)
        return query if known is None else query.where(number > known)
