"""Updates that are in the database and need no look for a while: a job has them, or they have just been worked off."""

from collections.abc import Iterable

_SECONDS = 60.0


class RedeliveryDelays:
    """Delays before unfinished updates are taken up again. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def put(self, update_ids: Iterable[int], now: float) -> None:
        """Let updates rest for a minute."""
        self._until.update(dict.fromkeys(update_ids, now + _SECONDS))

    def is_due(self, update_id: int, now: float) -> bool:
        """Return whether an update is to be taken up when it is found."""
        return self._until.get(update_id, now) <= now

    def tidy(self, now: float) -> None:
        """Remove delays that have passed."""
        self._until = {number: until for number, until in self._until.items() if until > now}
