"""Log of the waits requested by Telegram's flood control."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Table,
    Text,
    bindparam,
    func,
    select,
    update,
)

from beseda.core import metrics
from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.db.schema import Key, metadata
from beseda.db.statement import Rank, Statement
from beseda.db.types import UtcTime
from beseda.engine.personal_data import Erasure, PersonalDataSource

flood_waits = Table(
    "flood_waits",
    metadata,
    Column("id", Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger),
    Column("chat_kind", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("occurred_at", UtcTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class FloodWait:
    """A wait requested by Telegram's flood control: the bot, the method, the seconds, and the chat if there is one."""

    bot: str
    method: str
    seconds: float
    chat_id: int | None = None
    chat_kind: str = ""


# The one row without a key of its own to meet itself by: counted twice after a lost reply, it does no harm.
_record = Statement(
    Rank.FLOOD_WAIT,
    lambda insert: insert(flood_waits).values(
        {column.name: bindparam(column.name) for column in flood_waits.columns if column.name != "id"}
    ),
)


class FloodWaitRepository:
    """Flood waits in SQL."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def record(self, wait: FloodWait) -> None:
        """Store a wait with the current time. Raises StorageError."""
        params = {
            "bot": wait.bot,
            "chat_id": wait.chat_id,
            "chat_kind": wait.chat_kind,
            "method": wait.method,
            "seconds": wait.seconds,
            "occurred_at": self._clock.now(),
        }
        await self._database.write_rows([(_record, params)])
        metrics.flood_wait(wait.bot, wait.seconds)

    async def count(self, since: datetime) -> int:
        """Return the number of waits since then. Raises StorageError."""
        query = select(func.count()).select_from(flood_waits).where(flood_waits.c.occurred_at >= since)
        number: int = await self._database.read(lambda connection: connection.execute(query).scalar_one())
        return number


class FloodWaitData(PersonalDataSource):
    """Personal data in flood waits: the number of a private chat."""

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Blank the number. The wait stays: it counts for the bot."""
        own = flood_waits.c.bot == erasure.person.bot, flood_waits.c.chat_id == erasure.person.user_id
        connection.execute(update(flood_waits).where(*own).values(chat_id=None))
        return {}
