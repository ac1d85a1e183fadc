"""Meetings of one person: exported, and marks to recognize their invitations. They are deleted with the lead."""

from collections.abc import Mapping

import orjson
from sqlalchemy import Connection, select

from beseda.engine.files.model import FileOwner
from beseda.engine.personal_data import Erasure, PersonalDataSource, PersonalMarks, Rows, read_rows
from beseda.features.leads.personal_data import own_leads
from beseda.features.leads.tables import leads
from beseda.features.meetings.tables import meeting_summaries, meetings


class MeetingData(PersonalDataSource):
    """Personal data in meetings."""

    def find_marks(self, connection: Connection, person: FileOwner) -> PersonalMarks:
        """Return the calendar UIDs of the person's meetings."""
        query = select(meetings.c.uid).join(leads, leads.c.id == meetings.c.lead_id).where(own_leads(person))
        return PersonalMarks(uids=connection.execute(query).scalars().all())

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the meetings with their summaries."""
        query = (
            select(meetings, meeting_summaries.c.text.label("summary"), meeting_summaries.c.facts)
            .join(leads, leads.c.id == meetings.c.lead_id)
            .outerjoin(meeting_summaries, meeting_summaries.c.meeting_id == meetings.c.id)
            .where(own_leads(person))
            .order_by(meetings.c.id)
        )
        found = read_rows(connection, query)
        return {"meetings": [{**row, "facts": orjson.loads(str(row["facts"] or "[]"))} for row in found]}

    def forget(self, _connection: Connection, _erasure: Erasure) -> Mapping[str, int]:
        """Do nothing: the database deletes meetings together with their lead."""
        return {}
