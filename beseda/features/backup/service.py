"""A backup archive: the rows of every table, the stored files, and a manifest with a hash of each.

The archive is a gzipped tar. `tables/NAME.jsonl` begins with the list of columns and has one row a line, `files/HASH`
are the files of the storage folder, each content once, and `manifest.json`, which is written last, names and counts
everything: an archive that was cut off has none.
"""

import hashlib
import logging
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BufferedReader, BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import orjson

from beseda.core.errors import SettingsError

log = logging.getLogger(__name__)

FORMAT = 1
FOLDERS = ("files", "reports")
"""Folders below STORAGE_DIR whose files belong to rows; the others hold work in progress."""
_MANIFEST = "manifest.json"
_PIECE = 1024 * 1024
_LARGEST_MANIFEST = 512 * 1024 * 1024
_LARGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table of the archive."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A stored file: its path below STORAGE_DIR, and the hash under which the archive holds its content."""

    path: str
    size: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    """The contents of an archive, and the state of the installation that it was made of."""

    created_at: datetime
    program: str
    revision: str = ""
    tables: list[TableEntry] = field(default_factory=list)
    files: list[FileEntry] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(table.rows for table in self.tables)

    @property
    def size(self) -> int:
        """How many bytes the stored files have."""
        return sum(file.size for file in self.files)


class ArchiveWriter:
    """Writes an archive beside its final place, and puts it there when it is whole."""

    def __init__(self, target: Path, manifest: Manifest) -> None:
        """Raises OSError if the folder of `target` is not writable."""
        self.manifest = manifest
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w:gz", compresslevel=6)  # noqa: SIM115 - closed by finish
        self._stored: set[str] = set()

    def add_table(self, name: str, columns: list[str], rows: Iterator[list[Any]]) -> None:
        """Write a table."""
        digest, number = hashlib.sha256(), 0
        with tempfile.TemporaryFile(dir=self._target.parent) as lines:
            for line in _write_lines(columns, rows):
                digest.update(line)
                lines.write(line)
                number += 1
            size = lines.tell()
            lines.seek(0)
            self._add(f"tables/{name}.jsonl", lines, size)
        self.manifest.tables.append(TableEntry(name, number - 1, digest.hexdigest()))

    def add_files(self, storage: Path) -> None:
        """Write every file of the storage folder that belongs to rows; one that vanishes meanwhile was deleted."""
        for folder in FOLDERS:
            for path in sorted((storage / folder).rglob("*")):
                if path.is_file() and not path.is_symlink():
                    try:
                        self._add_file(path, path.relative_to(storage).as_posix())
                    except FileNotFoundError:
                        log.debug("a stored file was deleted during the backup")

    def finish(self) -> None:
        """Write the manifest and move the archive to its place."""
        content = orjson.dumps(asdict(self.manifest), option=orjson.OPT_INDENT_2)
        self._add(_MANIFEST, BytesIO(content), len(content))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._target)

    def discard(self) -> None:
        """Delete an archive that is not whole; after `finish` there is none."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _add_file(self, path: Path, name: str) -> None:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            size = os.fstat(content.fileno()).st_size
            if digest not in self._stored:
                content.seek(0)
                self._add(f"files/{digest}", content, size)
                self._stored.add(digest)
        self.manifest.files.append(FileEntry(name, size, digest))

    def _add(self, name: str, content: IO[bytes], size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = size
        entry.mode = 0o600
        entry.mtime = int(self.manifest.created_at.timestamp())
        self._tar.addfile(entry, content)


def _write_lines(columns: list[str], rows: Iterator[list[Any]]) -> Iterator[bytes]:
    yield orjson.dumps(columns) + b"\n"
    for row in rows:
        yield orjson.dumps(row) + b"\n"


class ArchiveReader:
    """Reads an archive. Nothing of it is believed before `check` has compared every hash with the manifest."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsError if the file is not a Beseda archive, OSError if it cannot be read."""
        self._path = path
        self.manifest = self._read_manifest()

    def check(self) -> None:
        """Compare the hash of every entry with the manifest.

        Raises SettingsError that names the damaged or missing entry.
        """
        expected = {f"tables/{table.name}.jsonl": table.sha256 for table in self.manifest.tables}
        expected |= {f"files/{file.sha256}": file.sha256 for file in self.manifest.files}
        for name, content in self._entries():
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            if name != _MANIFEST and expected.pop(name, None) != digest:
                raise SettingsError(f"{self._path.name}: {name} is damaged: restore from another archive")
        if expected:
            raise SettingsError(f"{self._path.name}: {min(expected)} is missing: restore from another archive")

    def tables(self) -> Iterator[tuple[str, list[str], Iterator[list[Any]]]]:
        """Yield each table's name, its columns, and its rows, which are to be read before the next table."""
        for name, content in self._entries():
            if name.startswith("tables/"):
                columns = orjson.loads(content.readline(_LARGEST_LINE))
                yield PurePosixPath(name).stem, columns, map(orjson.loads, iter(_reader(content), b""))

    def extract_files(self, storage: Path) -> None:
        """Write the stored files below `storage`, replacing existing files of the same name."""
        places: dict[str, list[Path]] = {}
        for file in self.manifest.files:
            places.setdefault(f"files/{file.sha256}", []).append(_place(storage, file.path))
        for name, content in self._entries():
            for place in places.get(name, []):
                content.seek(0)
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                part = place.with_name(f"{place.name}.part")
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                    while piece := content.read(_PIECE):
                        target.write(piece)
                part.replace(place)

    def _read_manifest(self) -> Manifest:
        content = next((entry.read(_LARGEST_MANIFEST) for name, entry in self._entries() if name == _MANIFEST), None)
        if content is None:
            raise SettingsError(f"{self._path.name} was cut off: it has no manifest; restore from another archive")
        try:
            fields = orjson.loads(content)
            return Manifest(
                created_at=datetime.fromisoformat(fields["created_at"]),
                program=fields["program"],
                revision=fields["revision"],
                tables=[TableEntry(**table) for table in fields["tables"]],
                files=[FileEntry(**file) for file in fields["files"]],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{self._path.name} was not made by `beseda backup`") from error

    def _entries(self) -> Iterator[tuple[str, BufferedReader]]:
        try:
            with closing(tarfile.open(self._path, "r:gz")) as tar:
                for entry in tar:
                    content = tar.extractfile(entry)
                    if content is not None:
                        yield entry.name, cast("BufferedReader", content)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise SettingsError(f"{self._path.name} is cut off or was not made by `beseda backup`") from error


def _reader(content: IO[bytes]) -> Callable[[], bytes]:
    return lambda: content.readline(_LARGEST_LINE)


def _place(storage: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.parts[0] not in FOLDERS:
        raise SettingsError(f"the archive names a file outside the storage folder: {name!r}")
    return storage / path
