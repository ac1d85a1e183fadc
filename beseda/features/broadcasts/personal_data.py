"""Broadcasts that a person received, and the opt-out: exported and erased."""

from collections.abc import Mapping

from sqlalchemy import Connection, and_, delete, select, update

from beseda.engine.files.model import FileOwner
from beseda.engine.personal_data import Erasure, PersonalDataSource, Rows, read_rows
from beseda.features.broadcasts.model import RecipientState
from beseda.features.broadcasts.subscriptions import put_subscription
from beseda.features.broadcasts.tables import broadcast_recipients as recipients
from beseda.features.broadcasts.tables import broadcasts, subscriptions


class BroadcastData(PersonalDataSource):
    """Personal data in broadcasts."""

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the broadcasts that the person was to receive, and the subscription."""
        sent = (
            select(recipients.c.broadcast_id, recipients.c.state, recipients.c.message_id, recipients.c.settled_at)
            .join(broadcasts, broadcasts.c.id == recipients.c.broadcast_id)
            .where(broadcasts.c.bot == person.bot, recipients.c.user_id == person.user_id)
            .order_by(recipients.c.broadcast_id)
        )
        own = and_(subscriptions.c.bot == person.bot, subscriptions.c.user_id == person.user_id)
        return {
            "broadcasts": read_rows(connection, sent),
            "subscription": read_rows(connection, select(subscriptions).where(own)),
        }

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Opt the person out and remove them from every broadcast.

        A pending recipient is counted as skipped, and one with an unknown outcome as failed.
        """
        person = erasure.person
        put_subscription(connection, person.bot, person.user_id, opted_out_at=erasure.at)
        of_bot = select(broadcasts.c.id).where(broadcasts.c.bot == person.bot)
        query = select(recipients.c.broadcast_id).where(
            recipients.c.user_id == person.user_id, recipients.c.broadcast_id.in_(of_bot)
        )
        for number in sorted(connection.execute(query).scalars().all()):
            # The broadcast is locked first, as whoever sends it does.
            connection.execute(select(broadcasts.c.id).where(broadcasts.c.id == number).with_for_update())
            row = and_(recipients.c.broadcast_id == number, recipients.c.user_id == person.user_id)
            state = connection.execute(delete(recipients).where(row).returning(recipients.c.state)).scalar_one_or_none()
            count = {RecipientState.PENDING.value: "skipped", RecipientState.SENDING.value: "failed"}.get(str(state))
            if count is not None:
                change = update(broadcasts).where(broadcasts.c.id == number)
                connection.execute(change.values({count: broadcasts.c[count] + 1}))
        return {}
