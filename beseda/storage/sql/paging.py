"""Pages of long lists."""

from sqlalchemy import BindParameter, Integer, bindparam


def written(number: int) -> BindParameter[int]:
    """Return a number that is written into the statement: PostgreSQL must know a limit when it plans.

    A statement that is prepared is planned for any value after five runs
    (https://www.postgresql.org/docs/current/sql-prepare.html): for a limit, that it lets a tenth of all rows through.
    """
    return bindparam(None, number, Integer, literal_execute=True)
