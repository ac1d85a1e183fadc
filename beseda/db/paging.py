"""Pages of long lists."""

from sqlalchemy import BindParameter, Integer, bindparam


def written(number: int) -> BindParameter[int]:
    """Return a number that is written into the statement: PostgreSQL must know a limit when it plans.

    After five executions a prepared statement is planned for any value
    (https://www.postgresql.org/docs/current/sql-prepare.html): for an unknown limit, the plan assumes a tenth of all
    rows.
    """
    return bindparam(None, number, Integer, literal_execute=True)
