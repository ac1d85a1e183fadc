"""Identifiers that continue from the highest ones in the database."""

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, func, select

from beseda.core.ids import continue_after, time_of
from beseda.db.database import Database
from beseda.engine.files.tables import files
from beseda.engine.turns.tables import turns
from beseda.engine.updates.tables import updates

log = logging.getLogger(__name__)

_AHEAD = timedelta(minutes=1)


async def continue_ids(database: Database, continue_sequence: Callable[[int], timedelta] = continue_after) -> None:
    """Issue identifiers above those in the database, and log a warning if these lie in the future. Raises StorageError.

    Identifiers contain the time. After a clock that was ahead is corrected, or on a machine that starts with a clock of
    years ago, new turns would otherwise sort before older ones, and models would not see them.
    """
    highest = await database.read(find_highest)
    if highest and continue_sequence(highest) > _AHEAD:
        log.warning(
            "the newest row of the database was made in the future, at %s: a clock was ahead then or is behind now. "
            "Check the clock. New rows are numbered from there on",
            time_of(highest).isoformat(timespec="seconds"),
        )


def find_highest(connection: Connection) -> int:
    """Return the highest identifier in the database, or 0 if it has none."""
    # Notices of our own are updates with negative numbers.
    found = (func.max(turns.c.id), func.max(files.c.id), -func.min(updates.c.update_id))
    return max(connection.execute(select(number)).scalar() or 0 for number in found)
