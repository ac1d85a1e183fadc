from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from botapi_sandbox.settings import SandboxPerson

if TYPE_CHECKING:
    from pathlib import Path


class AddedUsers:
    """Users added besides those of the settings. They are stored for the next run, since bots remember them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "people.jsonl"

    def read(self) -> list[SandboxPerson]:
        """Return the users added in earlier runs. Lines cut off by a crash are skipped."""
        if not self._path.is_file():
            return []
        people = (_read_line(line) for line in self._path.read_bytes().splitlines())
        return [person for person in people if person is not None]

    def add(self, person: SandboxPerson) -> None:
        """Append one user to the file."""
        with self._path.open("ab") as file:
            # The line break stands first: what a crash cut off before must not swallow this one.
            file.write(b"\n" + orjson.dumps(asdict(person)))


def _read_line(line: bytes) -> SandboxPerson | None:
    try:
        return SandboxPerson(**orjson.loads(line))
    except (ValueError, TypeError):
        return None
