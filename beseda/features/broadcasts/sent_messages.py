"""Messages of broadcasts, as the engine needs them: their ids, and their end when the bot's account changes."""

from sqlalchemy import Connection, update

from beseda.engine.bot_accounts import OTHER_ACCOUNT, AccountChange
from beseda.engine.turns.sent_messages import MessageTable
from beseda.features.broadcasts.model import BroadcastState
from beseda.features.broadcasts.tables import broadcast_recipients, broadcasts, subscriptions

BROADCAST_MESSAGES = MessageTable(broadcast_recipients, broadcast_recipients.c.settled_at)


def end_broadcasts(connection: Connection, change: AccountChange) -> None:
    """Stop broadcasts to the chats of the old account, and set its recipients aside."""
    under_way = broadcasts.c.state.in_([BroadcastState.RUNNING.value, BroadcastState.PAUSED.value])
    stopped = {"state": BroadcastState.STOPPED.value, "reason": OTHER_ACCOUNT, "finished_at": change.at}
    connection.execute(update(broadcasts).where(broadcasts.c.bot == change.bot, under_way).values(stopped))
    change.swap(connection, broadcast_recipients)
    # Who blocked the old bot has not blocked this one.
    connection.execute(update(subscriptions).where(subscriptions.c.bot == change.bot).values(blocked_at=None))
