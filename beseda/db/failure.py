"""The meaning of a failed statement: the database is unavailable, or the entry is wrong.

Databases have codes for it: SQLSTATE, SQLite's result codes. The table `_WORDS` and the pattern of SQLite's constraints
are for the faults that have none; no other module reads error messages of a database.
"""

import re
import sqlite3
from enum import StrEnum

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from beseda.core.errors import BesedaError, RowRefusedError, StorageError
from beseda.db.schema import metadata

# PostgreSQL's SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html): connection lost (08), server
# stopping or starting (57P), too many connections (53300), and a transaction that only has to be repeated (40).
_PASSING_STATES = ("08", "57P", "53300", "40")
# Data, constraint, wrong statement, too large for the program (22, 23, 42, 54).
_REFUSING_STATES = ("22", "23", "42", "54")
# SQLite names the columns of a constraint, or an index over expressions (sqlite/src/insert.c,
# sqlite3UniqueConstraint); PostgreSQL has a field for the name.
_UNIQUE = re.compile(r"UNIQUE constraint failed: (?:index '(?P<index>\w+)'|(?P<columns>\w+\.\w+(?:, \w+\.\w+)*))")


class ConnectionFault(StrEnum):
    """A refused connection with a reason that can be fixed in the address."""

    NO_TLS = "no TLS"
    NO_PARAMETERS = "no startup parameters"


# asyncpg raises a bare ConnectionError for the first (connect_utils.py); PgBouncer has one SQLSTATE, 08P01, for all
# that it refuses.
_WORDS = {
    ConnectionFault.NO_TLS: "rejected SSL upgrade",
    ConnectionFault.NO_PARAMETERS: "unsupported startup parameter",
}
_PASSING_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may succeed soon: the database is unavailable, restarting or busy."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        original = error.orig
        # The driver's own exception hides behind the one that SQLAlchemy's asyncpg adapter makes of it.
        state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
        return (isinstance(state, str) and state.startswith(_PASSING_STATES)) or code in _PASSING_CODES
    state = getattr(error, "sqlstate", None)
    return isinstance(error, OSError) or (isinstance(state, str) and state.startswith(_PASSING_STATES))


def to_storage_error(error: Exception) -> Exception:
    """Return the error for the caller: StorageError for a database error, an error of Beseda or any other unchanged."""
    if isinstance(error, BesedaError):
        return error
    if isinstance(error, SQLAlchemyError | OSError | UnicodeError | OverflowError) or hasattr(error, "sqlstate"):
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        kind = RowRefusedError if _is_refused(error) else StorageError
        message = f"the database failed: {type(cause).__name__}: {_first_line(cause)}"
        mapped = kind(message, constraint=_find_constraint(cause))
        mapped.__cause__ = error
        return mapped
    return error


def find_connection_fault(error: Exception) -> ConnectionFault | None:
    """Return the reason of a refused connection that can be fixed in the address, or None."""
    words = str(error)
    return next((fault for fault, phrase in _WORDS.items() if phrase in words), None)


def _find_constraint(error: BaseException) -> str:
    """Return the name of the violated constraint, the same for both databases; empty if it has none."""
    # The driver's own exception is the cause of the one that SQLAlchemy's asyncpg adapter makes of it.
    for each in (error, error.__cause__):
        if name := getattr(each, "constraint_name", None):
            return str(name)
    failed = _UNIQUE.search(str(error)) if isinstance(error, sqlite3.IntegrityError) else None
    if failed is None:
        return ""
    return failed["index"] or _name_unique(failed["columns"].split(", "))


def _name_unique(places: list[str]) -> str:
    """Return the name of the index or constraint over columns given as `table.column`."""
    table = metadata.tables.get(places[0].partition(".")[0])
    columns = {place.partition(".")[2] for place in places}
    if table is None:
        return ""
    unique: list[Index | UniqueConstraint | PrimaryKeyConstraint] = [index for index in table.indexes if index.unique]
    unique += [rule for rule in table.constraints if isinstance(rule, UniqueConstraint | PrimaryKeyConstraint)]
    names = (rule.name for rule in unique if {column.name for column in rule.columns} == columns)
    return next((str(name) for name in names if name), "")


def _is_refused(error: Exception) -> bool:
    """Return whether the database rejects this entry alone: an invalid value, a violated constraint, a wrong name."""
    if isinstance(error, DataError | IntegrityError | ProgrammingError | UnicodeError | OverflowError):
        return True
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return isinstance(state, str) and state.startswith(_REFUSING_STATES)


def _first_line(error: BaseException) -> str:
    # The lines after the first are PostgreSQL's DETAIL, which quotes the row: what a person said stays out of the log.
    lines = str(error).splitlines()
    return lines[0][:200] if lines else ""
