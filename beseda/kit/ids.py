"""Identifiers that a process can give out without asking the database."""

import os
import time
from datetime import UTC, datetime, timedelta

_EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z: leaves 41 bits for 69 years
_PROCESS_BITS = 10
_SEQUENCE_BITS = 12


class IdSequence:
    """Rising 63-bit integers: milliseconds, then a random number of the process, then a counter.

    They sort by time of creation, fit a BIGINT, and two processes meet only if both drew the same
    ten bits and used the same counter in the same millisecond.
    """

    def __init__(self) -> None:
        self._process = int.from_bytes(os.urandom(2)) & ((1 << _PROCESS_BITS) - 1)
        self._last = 0

    def next(self) -> int:
        """Return an identifier higher than every one given out before."""
        ticks = (time.time_ns() // 1_000_000 - _EPOCH_MS) << _SEQUENCE_BITS
        self._last = max(self._last + 1, ticks)
        milliseconds, sequence = self._last >> _SEQUENCE_BITS, self._last & ((1 << _SEQUENCE_BITS) - 1)
        return (milliseconds << (_PROCESS_BITS + _SEQUENCE_BITS)) | (self._process << _SEQUENCE_BITS) | sequence


def lowest_id(moment: datetime) -> int:
    """Return the lowest identifier that can have been given out at `moment` or later: ranges of time are ranges of
    ids, which tables are sorted by."""
    milliseconds = int(moment.timestamp() * 1000) - _EPOCH_MS
    return max(0, milliseconds << (_PROCESS_BITS + _SEQUENCE_BITS))


_ids = IdSequence()
new_id = _ids.next


def time_of(identifier: int) -> datetime:
    """Return when an identifier was given out, to the millisecond."""
    passed = timedelta(milliseconds=identifier >> (_PROCESS_BITS + _SEQUENCE_BITS))
    return datetime.fromtimestamp(_EPOCH_MS / 1000, UTC) + passed
