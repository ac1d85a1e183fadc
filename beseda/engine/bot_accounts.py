"""The Telegram accounts of bots.

A token of another account makes another bot of the same name: update ids and message ids start anew, people have to
open the chats again, and pending messages of the old bot must not be sent by the new one. From then on rows of the old
account are stored under `name@id`, so that they can be restored if it returns.
"""

from datetime import datetime

from sqlalchemy import Connection, and_, select, update
from sqlalchemy import insert as sql_insert

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.engine.bot_account_tables import bot_accounts
from beseda.engine.conversations.tables import conversations
from beseda.engine.jobs.model import JobState
from beseda.engine.jobs.tables import jobs
from beseda.engine.turns.model import TurnState
from beseda.engine.turns.tables import deliveries, turns
from beseda.engine.updates.tables import updates
from beseda.features.broadcasts.model import BroadcastState
from beseda.features.broadcasts.tables import broadcast_recipients, broadcasts, subscriptions
from beseda.telegram.part import UNSENT, PartState

OTHER_ACCOUNT = "the bot has another Telegram account now"
_UNDER_WAY = (TurnState.RECEIVED.value, TurnState.ANSWERED.value)


class BotAccountRepository:
    """Implements `beseda.engine.bot_accounts.BotAccountRepository`."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def claim(self, bot: str, telegram_id: int) -> int | None:
        """Record the account of a bot and return the id of the previous account if it was another one, else None.

        Raises StorageError.
        """
        now = self._clock.now()
        return await self._database.write(lambda connection: _claim(connection, bot, telegram_id, now))


def _claim(connection: Connection, bot: str, telegram_id: int, now: datetime) -> int | None:
    ours = bot_accounts.c.bot == bot
    before = connection.execute(select(bot_accounts.c.telegram_id).where(ours).with_for_update()).scalar()
    if before is None:
        connection.execute(sql_insert(bot_accounts).values(bot=bot, telegram_id=telegram_id, since=now))
    if before is None or before == telegram_id:
        return None
    connection.execute(update(bot_accounts).where(ours).values(telegram_id=telegram_id, since=now))
    _end_notices(connection, bot, now)
    _forget_questions(connection, bot)
    _end_jobs(connection, bot, now)
    _swap(connection, bot, f"{bot}@{before}", f"{bot}@{telegram_id}")
    return int(before)


def _swap(connection: Connection, bot: str, aside: str, back: str) -> None:
    """Set aside the rows of the old account and restore those that the new account has from an earlier time."""
    for table in (updates, deliveries, broadcast_recipients):
        # Updates of our own, with numbers below zero, such as reminders, are no matter of Telegram's.
        numbered = and_(table.c.bot == bot, table.c.update_id >= 0) if table is updates else table.c.bot == bot
        connection.execute(update(table).where(numbered).values(bot=aside))
        connection.execute(update(table).where(table.c.bot == back).values(bot=bot))
    # Who blocked the old bot has not blocked this one.
    connection.execute(update(subscriptions).where(subscriptions.c.bot == bot).values(blocked_at=None))


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
    """End jobs for files of the old account, which the new one cannot download, and broadcasts to its chats."""
    asked = and_(jobs.c.bot == bot, jobs.c.chat_id.is_not(None), jobs.c.finished_at.is_(None))
    ended = {"state": JobState.CANCELLED.value, "reason": OTHER_ACCOUNT, "finished_at": now}
    connection.execute(update(jobs).where(asked).values(ended))
    under_way = broadcasts.c.state.in_([BroadcastState.RUNNING.value, BroadcastState.PAUSED.value])
    stopped = {"state": BroadcastState.STOPPED.value, "reason": OTHER_ACCOUNT, "finished_at": now}
    connection.execute(update(broadcasts).where(broadcasts.c.bot == bot, under_way).values(stopped))
