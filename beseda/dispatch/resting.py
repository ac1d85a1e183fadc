"""Updates that are in the record and need no look for a while: a job has them, or they have just failed."""

from collections.abc import Iterable

from beseda.errors import RowRefusedError

_SECONDS = 60.0
_TRIES = 5  # that a row which the database refuses gets at that pace; then waits double
_LONGEST = 3600.0


class Resting:
    """Says which of the unfinished updates are due to be taken up. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        self._refusals: dict[int, int] = {}

    def put(self, update_ids: Iterable[int], now: float, error: Exception | None = None) -> None:
        """Let updates rest for a minute; one that the database has refused time and again rests longer each time.

        What such a row costs is a model's answer that can never be stored.
        """
        for number in update_ids:
            earlier = self._refusals.pop(number, 0)
            refusals = earlier + 1 if isinstance(error, RowRefusedError) else 0
            if refusals:
                self._refusals[number] = refusals
            self._until[number] = now + min(_SECONDS * 2.0 ** max(0, refusals - _TRIES), _LONGEST)

    def wake(self, update_id: int, now: float) -> bool:
        """Return whether an update may be taken up again after all, because its chat has come back to us."""
        return update_id not in self._refusals or self.is_due(update_id, now)

    def is_due(self, update_id: int, now: float) -> bool:
        """Return whether an update is to be taken up when it is found."""
        return self._until.get(update_id, now) <= now

    def tidy(self, now: float) -> None:
        """Forget what rests no more."""
        self._until = {number: until for number, until in self._until.items() if until > now}
        # A refused one that nobody has found for two hours was worked off, here or elsewhere.
        kept = {number for number in self._refusals if self._until.get(number, 0.0) > now - 2 * _LONGEST}
        self._refusals = {number: count for number, count in self._refusals.items() if number in kept}
