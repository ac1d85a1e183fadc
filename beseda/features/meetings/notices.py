"""Notices of meetings for the chats of both sides: internal updates, stored in the transaction of the step."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, insert

from beseda.engine.conversations.repository import find_place
from beseda.engine.updates.model import StoredUpdate, internal_update
from beseda.engine.updates.tables import updates
from beseda.features.meetings.model import Happening, Meeting


def describe(meeting: Meeting) -> dict[str, object]:
    """Return the data of a meeting for events."""
    data: dict[str, object] = {
        "meeting_id": meeting.id,
        "status": meeting.state.value,
        "starts_at": write_moment(meeting.starts_at),
        "ends_at": write_moment(meeting.ends_at),
    }
    if meeting.held_until is not None:
        data["expires_at"] = write_moment(meeting.held_until)
    return data


def write_moment(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_notices(
    connection: Connection, meeting: Meeting, happening: Happening, owners: Sequence[int], now: datetime
) -> list[StoredUpdate]:
    """Store and return a notice for the guest and for each owner, as far as they have a private chat with the bot."""
    if not happening.notice:
        return []
    what = happening.event.value if happening.event is not None else ""
    guest = meeting.guest.user_id
    parties = [(guest, "guest")] if guest else []
    parties += [(owner, "owner") for owner in owners if owner != guest]
    found = [
        internal_update(
            meeting.bot,
            happening.notice,
            *place,
            {"meeting_id": meeting.id, "side": side, "sequence": meeting.sequence, "event": what},
        )
        for user_id, side in parties
        if (place := find_place(connection, meeting.bot, user_id)) is not None
    ]
    if found:
        connection.execute(insert(updates), [_row(notice, now) for notice in found])
    return found


def _row(notice: StoredUpdate, now: datetime) -> dict[str, object]:
    return {
        "bot": notice.bot,
        "update_id": notice.update_id,
        "payload": notice.payload,
        "received_at": now,
        "partition": notice.partition,
    }
