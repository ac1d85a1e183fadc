"""The Telegram accounts of bots.

A token of another account makes another bot of the same name: update ids and message ids start anew, people have to
open the chats again, and pending messages of the old bot must not be sent by the new one. From then on rows of the old
account are stored under `name@id`, so that they can be restored if it returns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Table, Text, and_, select, true, update
from sqlalchemy import insert as sql_insert

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.db.schema import metadata
from beseda.db.types import UtcTime
from beseda.engine.conversations.tables import conversations
from beseda.engine.jobs.model import JobState
from beseda.engine.jobs.tables import jobs
from beseda.engine.turns.model import TurnState
from beseda.engine.turns.tables import deliveries, turns
from beseda.engine.updates.tables import updates
from beseda.telegram.part import UNSENT, PartState

bot_accounts = Table(
    "bot_accounts",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("telegram_id", BigInteger, nullable=False),
    Column("since", UtcTime, nullable=False),
)


OTHER_ACCOUNT = "the bot has another Telegram account now"
_UNDER_WAY = (TurnState.RECEIVED.value, TurnState.ANSWERED.value)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A change of a bot's account. Rows of the old account are set aside under the name `aside`.

    `back` is the name of the rows that the new account has from an earlier time.
    """

    bot: str
    aside: str
    back: str
    at: datetime

    def swap(self, connection: Connection, table: Table, condition: ColumnElement[bool] | None = None) -> None:
        """Set aside the rows of a table, those that meet the condition if there is one, and restore earlier ones."""
        ours = and_(table.c.bot == self.bot, true() if condition is None else condition)
        connection.execute(update(table).where(ours).values(bot=self.aside))
        connection.execute(update(table).where(table.c.bot == self.back).values(bot=self.bot))


AccountChangeHook = Callable[[Connection, AccountChange], None]


class BotAccountRepository:
    """Accounts of bots in SQL. `hooks` are called in the transaction of a change, for the tables of features."""

    def __init__(self, database: Database, clock: Clock | None = None, hooks: Sequence[AccountChangeHook] = ()) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._hooks = hooks

    async def claim(self, bot: str, telegram_id: int) -> int | None:
        """Record the account of a bot and return the id of the previous account if it was another one, else None.

        Raises StorageError.
        """
        now = self._clock.now()

        def work(connection: Connection) -> int | None:
            before = _replace(connection, bot, telegram_id, now)
            if before is None:
                return None
            _end_notices(connection, bot, now)
            _forget_questions(connection, bot)
            _end_jobs(connection, bot, now)
            change = AccountChange(bot, f"{bot}@{before}", f"{bot}@{telegram_id}", now)
            # Updates of our own, with numbers below zero, such as reminders, are no matter of Telegram's.
            change.swap(connection, updates, updates.c.update_id >= 0)
            change.swap(connection, deliveries)
            for hook in self._hooks:
                hook(connection, change)
            return before

        return await self._database.write(work)


def _replace(connection: Connection, bot: str, telegram_id: int, now: datetime) -> int | None:
    """Store the account and return the id of the previous one if it was another, else None."""
    ours = bot_accounts.c.bot == bot
    before: int | None = connection.execute(select(bot_accounts.c.telegram_id).where(ours).with_for_update()).scalar()
    if before is None:
        connection.execute(sql_insert(bot_accounts).values(bot=bot, telegram_id=telegram_id, since=now))
    if before is None or before == telegram_id:
        return None
    connection.execute(update(bot_accounts).where(ours).values(telegram_id=telegram_id, since=now))
    return before


def _end_notices(connection: Connection, bot: str, now: datetime) -> None:
    """Fail the turns of internal updates that are in progress, drop their unsent parts and finish their updates."""
    begun = select(updates.c.turn_id).where(
        updates.c.bot == bot, updates.c.update_id < 0, updates.c.finished_at.is_(None), updates.c.turn_id.is_not(None)
    )
    found = [row.turn_id for row in connection.execute(begun)]
    failed = {"state": TurnState.FAILED.value, "reason": OTHER_ACCOUNT, "updated_at": now}
    connection.execute(update(turns).where(turns.c.id.in_(found), turns.c.state.in_(_UNDER_WAY)).values(failed))
    unsent = deliveries.c.state.in_([state.value for state in UNSENT])
    dropped = {"state": PartState.DROPPED.value, "updated_at": now}
    connection.execute(update(deliveries).where(deliveries.c.turn_id.in_(found), unsent).values(dropped))
    connection.execute(
        update(updates).where(updates.c.bot == bot, updates.c.turn_id.in_(found)).values(finished_at=now)
    )


def _forget_questions(connection: Connection, bot: str) -> None:
    """Delete the message ids that opened turns in the old account's chats: the new account reuses the ids."""
    places = select(conversations.c.id).where(conversations.c.bot == bot)
    over = turns.c.state.not_in(_UNDER_WAY)
    connection.execute(
        update(turns)
        .where(turns.c.conversation_id.in_(places), over, turns.c.reply_to.is_not(None))
        .values(reply_to=None)
    )


def _end_jobs(connection: Connection, bot: str, now: datetime) -> None:
    """End jobs for files of the old account, which the new one cannot download."""
    asked = and_(jobs.c.bot == bot, jobs.c.chat_id.is_not(None), jobs.c.finished_at.is_(None))
    ended = {"state": JobState.CANCELLED.value, "reason": OTHER_ACCOUNT, "finished_at": now}
    connection.execute(update(jobs).where(asked).values(ended))
