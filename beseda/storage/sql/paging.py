"""Pages of long lists, and lists of what has changed since a time."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BindParameter, Integer, bindparam

# A row has the time of its change, which is before the commit: a reader who has seen a later change may yet miss it.
# Longer than a write can wait for a database that is away (30 s) and clocks of two machines may differ.
LOOK_BACK = timedelta(seconds=60)


def look_back(since: datetime, by: timedelta = LOOK_BACK) -> datetime:
    """Return from when on to read for somebody who has seen all changes up to `since`."""
    first = datetime.min.replace(tzinfo=UTC)
    return since - by if since - first > by else first


def written(number: int) -> BindParameter[int]:
    """Return a number that is written into the statement: PostgreSQL must know a limit when it plans.

    A statement that is prepared is planned for any value after five runs
    (https://www.postgresql.org/docs/current/sql-prepare.html): for a limit, that it lets a tenth of all rows through.
    """
    return bindparam(None, number, Integer, literal_execute=True)
