"""Identifiers that a process can give out without asking the database."""

import os
import random
import time
from datetime import UTC, datetime, timedelta

_EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z: leaves 41 bits for 69 years
_PROCESS_BITS = 16
_SEQUENCE_BITS = 6
_LOW_BITS = _PROCESS_BITS + _SEQUENCE_BITS


class IdSequence:
    """Rising 63-bit integers: milliseconds, then a random number of the process, then a counter.

    They sort by time of creation and fit a BIGINT. The counter begins at random in each millisecond: two processes that
    drew the same sixteen bits would otherwise meet in every millisecond that both use. A store that is given an
    identifier that is taken must refuse it all the same.
    """

    def __init__(self) -> None:
        self._process = int.from_bytes(os.urandom(_PROCESS_BITS // 8))
        self._last = 0
        self._floor, self._floor_at = 0, 0.0

    def next(self) -> int:
        """Return an identifier higher than every one given out before."""
        # The clock may have been set back since the highest known identifier was made: time goes on from there.
        floor = self._floor + int((time.monotonic() - self._floor_at) * 1000)
        milliseconds = max(time.time_ns() // 1_000_000 - _EPOCH_MS, floor, 0)
        start = (milliseconds << _SEQUENCE_BITS) | random.getrandbits(_SEQUENCE_BITS - 1)
        self._last = max(self._last + 1, start)
        milliseconds, sequence = self._last >> _SEQUENCE_BITS, self._last & ((1 << _SEQUENCE_BITS) - 1)
        return (milliseconds << _LOW_BITS) | (self._process << _SEQUENCE_BITS) | sequence

    def continue_after(self, highest: int) -> timedelta:
        """Give out identifiers above `highest` only; return how far its time lies ahead of this machine's clock."""
        self._floor, self._floor_at = (highest >> _LOW_BITS) + 1, time.monotonic()
        return time_of(highest) - datetime.now(UTC)


def lowest_id(moment: datetime) -> int:
    """Return the lowest identifier that can have been given out at `moment` or later: ranges of time are ranges of
    ids, which tables are sorted by."""
    milliseconds = int(moment.timestamp() * 1000) - _EPOCH_MS
    return max(0, milliseconds << _LOW_BITS)


def time_of(identifier: int) -> datetime:
    """Return when an identifier was given out, to the millisecond."""
    passed = timedelta(milliseconds=identifier >> _LOW_BITS)
    return datetime.fromtimestamp(_EPOCH_MS / 1000, UTC) + passed


_ids = IdSequence()
new_id = _ids.next
continue_after = _ids.continue_after
