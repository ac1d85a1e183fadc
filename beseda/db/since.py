"""Reading on from the last change that was seen."""

from datetime import UTC, datetime, timedelta

# A row has the time of its change, which is before the commit: a reader who has seen a later change may yet miss it.
# Longer than a write can wait for a database that is away (30 s) and clocks of two machines may differ.
LOOK_BACK = timedelta(seconds=60)


def look_back(since: datetime, by: timedelta = LOOK_BACK) -> datetime:
    """Return the time from which to read on after all changes up to `since` have been read."""
    first = datetime.min.replace(tzinfo=UTC)
    return since - by if since - first > by else first
