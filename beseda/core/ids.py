"""Identifiers that a process can issue without a query to the database."""

import os
import random
import time
from datetime import UTC, datetime, timedelta

_EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z: leaves 41 bits for 69 years
_PROCESS_BITS = 16
_SEQUENCE_BITS = 6
_LOW_BITS = _PROCESS_BITS + _SEQUENCE_BITS


class IdSequence:
    """Increasing 63-bit integers: milliseconds, then a random number of the process, then a counter.

    They sort by time of creation and fit a BIGINT. The counter begins at random in each millisecond: otherwise two
    processes with the same sixteen random bits would collide in every millisecond that both use. A store must still
    reject an identifier that is taken.
    """

    def __init__(self) -> None:
        self._process = int.from_bytes(os.urandom(_PROCESS_BITS // 8))
        self._last = 0
        self._floor, self._floor_at = 0, 0.0

    def next(self) -> int:
        """Return an identifier higher than all those issued before."""
        # The clock may have been set back since the highest known identifier was made: time goes on from there.
        floor = self._floor + int((time.monotonic() - self._floor_at) * 1000)
        milliseconds = max(time.time_ns() // 1_000_000 - _EPOCH_MS, floor, 0)
        start = (milliseconds << _SEQUENCE_BITS) | random.getrandbits(_SEQUENCE_BITS - 1)
        self._last = max(self._last + 1, start)
        milliseconds, sequence = self._last >> _SEQUENCE_BITS, self._last & ((1 << _SEQUENCE_BITS) - 1)
        return (milliseconds << _LOW_BITS) | (self._process << _SEQUENCE_BITS) | sequence

    def continue_after(self, highest: int) -> timedelta:
        """Issue only identifiers above `highest`. Return how far its time lies ahead of this machine's clock."""
        self._floor, self._floor_at = (highest >> _LOW_BITS) + 1, time.monotonic()
        return time_of(highest) - datetime.now(UTC)


def lowest_id(moment: datetime) -> int:
    """Return the lowest identifier that can be issued at `moment` or later.

    Ranges of time are thus ranges of ids, which are the sort order of tables.
    """
    milliseconds = int(moment.timestamp() * 1000) - _EPOCH_MS
    return max(0, milliseconds << _LOW_BITS)


def time_of(identifier: int) -> datetime:
    """Return the time at which an identifier was issued, to the millisecond."""
    passed = timedelta(milliseconds=identifier >> _LOW_BITS)
    return datetime.fromtimestamp(_EPOCH_MS / 1000, UTC) + passed


_ids = IdSequence()
new_id = _ids.next
continue_after = _ids.continue_after
