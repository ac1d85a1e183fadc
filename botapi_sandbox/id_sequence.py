"""Ids that a restart does not repeat: bots recognise an update by its id, and messages are edited by theirs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from pathlib import Path

# Ids must fit Telegram's 31 bits: eight a second since this moment last until 2032.
_EPOCH = 1_704_067_200
_PER_SECOND = 8
_BLOCK = 10_000


class IdLedger:
    """Remembers on disk up to which number ids were handed out, a block at a time; starts above the clock and that."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ids.json"
        clock = int(time.time() - _EPOCH) * _PER_SECOND
        try:
            reserved = int(orjson.loads(self._path.read_bytes())["reserved"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            reserved = 0
        self.start = max(clock, reserved) + 1
        self._reserved = self.start
        self.reserve(self.start)

    def reserve(self, needed: int) -> None:
        """Make sure that `needed` lies below the number on disk."""
        if needed < self._reserved:
            return
        self._reserved = needed + _BLOCK
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"reserved": self._reserved}))
        fresh.replace(self._path)


class PersistentIdSequence:
    """Rising numbers from a ledger's start."""

    def __init__(self, ledger: IdLedger) -> None:
        self._ledger = ledger
        self._last = ledger.start

    @property
    def last(self) -> int:
        """The number that was taken last."""
        return self._last

    def take(self) -> int:
        """The next number."""
        self._last += 1
        self._ledger.reserve(self._last)
        return self._last
