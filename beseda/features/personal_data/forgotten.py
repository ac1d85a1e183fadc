"""The list of forgotten people, kept beside the database: a restored backup must not bring them back."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from beseda.core.clock import Clock
from beseda.core.errors import SettingsError
from beseda.engine.files.model import FileOwner


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """The erasure of a person's data in one bot, with its time."""

    owner: FileOwner
    at: datetime


class ForgottenList:
    """A file with one line for each erasure: bot, Telegram id and time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def add(self, owner: FileOwner) -> None:
        """Append a person and sync the line to the disk. Raises OSError if the file cannot be written."""
        fields = {"bot": owner.bot, "user_id": owner.user_id, "at": self._clock.now()}
        await asyncio.to_thread(self._append, orjson.dumps(fields) + b"\n")

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_forgotten(paths: Iterable[Path]) -> list[ForgottenPerson]:
    """Return the people of several lists; a list that does not exist is empty.

    Raises SettingsError for a line that cannot be read: a person might come back.
    """
    found = []
    for path in paths:
        lines = path.read_bytes().splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                fields = orjson.loads(line)
                owner = FileOwner(str(fields["bot"]), int(fields["user_id"]))
                found.append(ForgottenPerson(owner, datetime.fromisoformat(fields["at"])))
            except (ValueError, KeyError, TypeError) as error:
                raise SettingsError(f"{path.name}, line {number}: not a line of a list of forgotten people") from error
    return found
