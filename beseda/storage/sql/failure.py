"""What a failed statement means: is the database away, or is the entry wrong."""

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from beseda.errors import BesedaError, RowRefusedError, StorageError

# PostgreSQL's SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html): connection lost (08), server
# stopping or starting (57P), too many connections (53300), and a transaction that only has to be repeated (40).
_PASSING_STATES = ("08", "57P", "53300", "40")
# Data, constraint, wrong statement, too large for the program (22, 23, 42, 54).
_REFUSING_STATES = ("22", "23", "42", "54")
_PASSING_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_passing(error: BaseException) -> bool:
    """Return whether the same work may succeed in a moment: the database is away, restarting or busy."""
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
    """Return what the caller sees: a StorageError for anything of the database's, an error of our own as it is."""
    if isinstance(error, BesedaError):
        return error
    if isinstance(error, SQLAlchemyError | OSError | UnicodeError | OverflowError) or hasattr(error, "sqlstate"):
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        kind = RowRefusedError if _is_refused(error) else StorageError
        mapped = kind(f"the database failed: {type(cause).__name__}: {_first_line(cause)}")
        mapped.__cause__ = error
        return mapped
    return error


def _is_refused(error: Exception) -> bool:
    """Return whether the database says no to this entry alone: a value it cannot hold, a broken rule, a wrong name."""
    if isinstance(error, DataError | IntegrityError | ProgrammingError | UnicodeError | OverflowError):
        return True
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return isinstance(state, str) and state.startswith(_REFUSING_STATES)


def _first_line(error: BaseException) -> str:
    # The lines after the first are PostgreSQL's DETAIL, which quotes the row: what a person said stays out of the log.
    lines = str(error).splitlines()
    return lines[0][:200] if lines else ""
