"""Files that bots and users have sent, on disk."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from typing import IO, TYPE_CHECKING

import orjson

from botapi_sandbox.file_ids import make_file_id
from botapi_sandbox.media_facts import (
    UNKNOWN_TYPE,
    guess_type,
    looks_like_text,
    looks_like_voice,
    measure_ogg_seconds,
    measure_picture,
)
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.settings import MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Folder and extension under which Telegram's own server hands a file out.
_PLACES = {
    "voice": ("voice", "oga"),
    "audio": ("music", "mp3"),
    "video": ("videos", "mp4"),
    "video_note": ("video_notes", "mp4"),
    "photo": ("photos", "jpg"),
    "document": ("documents", "bin"),
    "animation": ("animations", "mp4"),
    "sticker": ("stickers", "webp"),
}
# Owner of the files of versions that kept no owners: bots have their ids in their databases.
_ANYBODY = "*"
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_DOWNLOAD_BYTES = 20 * MEBIBYTE  # #getfile
MAX_UPLOAD_BYTES = 50 * MEBIBYTE  # #sending-files
MAX_PHOTO_BYTES = 10 * MEBIBYTE  # #sending-files


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that came in with a request; `name` and `mime_type` are the sender's words."""

    stream: IO[bytes]
    size: int
    name: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file on our disk under a name of ours."""

    number: int
    file_id: str
    unique_id: str
    kind: str
    path: Path
    remote_path: str
    size: int
    name: str
    mime_type: str
    width: int = 0
    height: int = 0
    seconds: int | None = None
    is_voice_format: bool = False
    is_text: bool = False
    # Of a sticker of a set.
    emoji: str = ""
    set_name: str = ""
    # Usernames of the bots that were given this file's id: it is of no use to others (#sending-files).
    owners: frozenset[str] = frozenset()


class SandboxFiles:
    """Files of all chats, kept in one folder up to a total size; the oldest go first.

    A bot may keep a file's id in its database, so files of earlier runs stay known: each has a description beside it.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder / "files"
        self._max_bytes = max_bytes
        self._files: OrderedDict[str, KeptFile] = OrderedDict()
        self._by_path: dict[str, str] = {}
        self._total = 0
        self._count = 0
        self._load()

    def _load(self) -> None:
        for description in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
            stored = _read_description(description)
            if stored is None:
                description.unlink()
                description.with_suffix(".bin").unlink(missing_ok=True)
            else:
                self._count = max(self._count, stored.number)
                self._keep(stored)

    def _keep(self, stored: KeptFile) -> None:
        self._files[stored.file_id] = stored
        self._by_path[stored.remote_path] = stored.file_id
        self._total += stored.size
        while self._total > self._max_bytes and len(self._files) > 1:
            _, oldest = self._files.popitem(last=False)
            self._by_path.pop(oldest.remote_path, None)
            self._total -= oldest.size
            _remove(oldest)

    async def save(self, upload: ReceivedFile, kind: str, *, owners: Iterable[str] = ()) -> KeptFile:
        """Copy an upload to disk and look at its head; raises ApiRefusalError for an empty file."""
        if upload.size == 0:
            raise bad_request("file must be non-empty")
        self._count += 1
        stored = await asyncio.to_thread(self._write, upload, kind, self._count, frozenset(owners))
        self._keep(stored)
        return stored

    def _write(self, upload: ReceivedFile, kind: str, number: int, owners: frozenset[str]) -> KeptFile:
        place, extension = _PLACES[kind]
        match = _EXTENSION.search(upload.name)
        if kind in {"document", "audio", "video", "animation", "sticker"} and match:
            extension = match[1].lower()
        remote_path = f"{place}/file_{number}.{extension}"
        # The name on disk is random as well: two sandboxes may share a folder over time.
        path = self._folder / f"{secrets.token_hex(12)}.bin"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        upload.stream.seek(0)
        path.touch(mode=0o600)
        with path.open("wb") as target:
            shutil.copyfileobj(upload.stream, target, MEBIBYTE)
        width, height = (
            (measure_picture(path) or (0, 0)) if kind in {"photo", "document", "animation", "sticker"} else (0, 0)
        )
        mime_type = upload.mime_type if upload.mime_type not in {"", UNKNOWN_TYPE} else guess_type(upload.name)
        stored = KeptFile(
            number=number,
            file_id=make_file_id(kind),
            unique_id=secrets.token_urlsafe(12),
            kind=kind,
            path=path,
            remote_path=remote_path,
            size=path.stat().st_size,
            # As Telegram passes it on: no folders, no control characters.
            name=_CONTROL.sub("", re.split(r"[\\/]", upload.name)[-1])[:250] or "file",
            mime_type=mime_type.split(";")[0][:100],
            width=width,
            height=height,
            seconds=measure_ogg_seconds(path) if kind in {"voice", "audio"} else None,
            is_voice_format=looks_like_voice(path),
            is_text=looks_like_text(path),
            owners=owners,
        )
        _write_description(stored)
        return stored

    def grant(self, file_id: str, usernames: Iterable[str]) -> None:
        """Give a file's id to more bots: they are sent a message with it."""
        stored = self._files.get(file_id)
        if stored is None or stored.owners.issuperset(usernames):
            return
        self._change(replace(stored, owners=stored.owners.union(usernames)))

    def add_to_set(self, stored: KeptFile, set_name: str, emoji: str) -> KeptFile:
        """Make a file a sticker of a set."""
        return self._change(replace(stored, set_name=set_name, emoji=emoji))

    def _change(self, fresh: KeptFile) -> KeptFile:
        self._files[fresh.file_id] = fresh
        _write_description(fresh)
        return fresh

    def get(self, file_id: str, bot: str | None = None) -> KeptFile | None:
        """The file with this id, if it is still there and its id was given to this bot; None asks for any."""
        stored = self._files.get(file_id)
        if stored is None or bot is None:
            return stored
        return stored if stored.owners & {bot, _ANYBODY} else None

    def find_named(self, kind: str, name: str) -> KeptFile | None:
        """A file by its kind and the name it came with."""
        return next((one for one in self._files.values() if one.kind == kind and one.name == name), None)

    def find_remote(self, remote_path: str) -> KeptFile:
        """The file behind a `file_path`; raises ApiRefusalError 404."""
        stored = self._files.get(self._by_path.get(remote_path, ""))
        if stored is None or stored.size > MAX_DOWNLOAD_BYTES:
            raise ApiRefusalError(404, "Not Found")
        return stored

    def clear(self) -> None:
        """Remove every file."""
        for stored in self._files.values():
            _remove(stored)
        self._files.clear()
        self._by_path.clear()
        self._total = 0


def _read_description(path: Path) -> KeptFile | None:
    try:
        fields = orjson.loads(path.read_bytes())
        owners = frozenset(fields.get("owners", (_ANYBODY,)))
        stored = KeptFile(**{**fields, "path": path.with_suffix(".bin"), "owners": owners})
    except (ValueError, TypeError):
        return None
    return stored if stored.path.is_file() else None


def _write_description(stored: KeptFile) -> None:
    fields = {**asdict(stored), "path": stored.path.name, "owners": sorted(stored.owners)}
    stored.path.with_suffix(".json").write_bytes(orjson.dumps(fields))


def _remove(stored: KeptFile) -> None:
    stored.path.unlink(missing_ok=True)
    stored.path.with_suffix(".json").unlink(missing_ok=True)
