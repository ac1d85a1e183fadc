"""Jobs of one person: exported and erased."""

from collections.abc import Mapping

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, select

from beseda.engine.files.model import FileOwner
from beseda.engine.jobs.tables import jobs
from beseda.engine.personal_data import Erasure, PersonalDataSource, Rows, read_rows


class JobData(PersonalDataSource):
    """Personal data in jobs."""

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the jobs with their input and result."""
        query = (
            select(jobs.c.id, jobs.c.kind, jobs.c.state, jobs.c.payload, jobs.c.result, jobs.c.created_at)
            .where(own_jobs(person))
            .order_by(jobs.c.id)
        )
        return {
            "jobs": [
                {
                    **row,
                    "payload": orjson.loads(str(row["payload"])),
                    "result": orjson.loads(str(row["result"] or "null")),
                }
                for row in read_rows(connection, query)
            ]
        }

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Delete the finished jobs; the caller has cancelled the others."""
        over = and_(own_jobs(erasure.person), jobs.c.finished_at.is_not(None))
        return {"jobs": connection.execute(delete(jobs).where(over)).rowcount}


def own_jobs(person: FileOwner) -> ColumnElement[bool]:
    """Return the condition that a job is the person's."""
    return and_(jobs.c.user_id == person.user_id, jobs.c.bot == person.bot)
