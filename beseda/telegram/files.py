"""Files that go out with a message: the call that sends them.

Facts about the methods: https://core.telegram.org/bots/api#sending-files
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from beseda.core.errors import FileTooLargeError, NotFoundError
from beseda.telegram.part import Media

UPLOAD_LIMIT = 50 * 1024 * 1024  # bytes that a bot may send; a local Bot API server takes 2,000 MB
PHOTO_LIMIT = 10 * 1024 * 1024  # bytes of a photo


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A call that sends files: its method, the files by field name, and its other parameters."""

    method: str
    files: dict[str, tuple[str, bytes]]
    params: dict[str, str]


async def load_upload(media: Sequence[Media], folder: Path, caption: dict[str, str]) -> FileUpload:
    """Read the files and return the call that sends them, the caption on the first.

    Raise NotFoundError if a file is gone, and FileTooLargeError if Telegram would not accept its size.
    """
    loaded = [(item.name, await asyncio.to_thread(_read, folder / item.path)) for item in media]
    if len(media) == 1:
        kind = media[0].kind.value
        method = f"send{kind.capitalize()}"
        return FileUpload(method, {kind: loaded[0]}, caption)
    items = [
        {"type": item.kind.value, "media": f"attach://file{number}", **(caption if number == 0 else {})}
        for number, item in enumerate(media)
    ]
    files = {f"file{number}": file for number, file in enumerate(loaded)}
    return FileUpload("sendMediaGroup", files, {"media": orjson.dumps(items).decode()})


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > UPLOAD_LIMIT:
            raise FileTooLargeError(f"{path.name} is over {UPLOAD_LIMIT} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path.name}: {error.strerror or error}") from error
