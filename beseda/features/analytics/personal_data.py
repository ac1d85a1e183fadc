"""Days on which a person wrote, and figures of their private chat: exported and erased."""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from beseda.engine.files.model import FileOwner
from beseda.engine.personal_data import Erasure, PersonalDataSource, Rows
from beseda.features.analytics.active_users import list_days
from beseda.features.analytics.tables import active_users, conversation_metrics

_EVERY_BOT = ""  # the rows of a person's days with any bot


class ActivityData(PersonalDataSource):
    """Personal data in analytics. Sums over many people are unchanged."""

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the days on which the person wrote to the bot."""
        query = (
            select(active_users.c.month, active_users.c.days)
            .where(active_users.c.bot == person.bot, active_users.c.user_id == person.user_id)
            .order_by(active_users.c.month)
        )
        return {"days": [{"day": day} for row in connection.execute(query) for day in list_days(row.month, row.days)]}

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Delete the figures of the private chat, and the days. Days with other bots stay."""
        person, seen = erasure.person, active_users.c
        connection.execute(
            delete(active_users).where(seen.user_id == person.user_id, seen.bot.in_([person.bot, _EVERY_BOT]))
        )
        months: dict[object, int] = {}
        for row in connection.execute(select(seen.month, seen.days).where(seen.user_id == person.user_id)):
            months[row.month] = months.get(row.month, 0) | row.days
        rows = [
            {"bot": _EVERY_BOT, "month": month, "user_id": person.user_id, "days": days}
            for month, days in months.items()
        ]
        if rows:
            connection.execute(insert(active_users), rows)
        chats = [number for name, number in erasure.marks.ids if name == "conversation_id"]
        connection.execute(delete(conversation_metrics).where(conversation_metrics.c.conversation_id.in_(chats)))
        return {}
