"""Facts about a file without decoding it: its type by its name, the size of a picture, the length of a recording."""

from __future__ import annotations

import mimetypes
import struct
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 512 * 1024
_TAIL = 128 * 1024
_OPUS_RATE = 48_000  # RFC 7845: granule positions of Opus count 48 kHz samples
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

UNKNOWN_TYPE = "application/octet-stream"
# The types that are part of Python: `mimetypes.guess_type` reads tables of the machine, too, which slim images lack.
# Added are those that some Python from 3.11 on does not know, or names otherwise than clients of Telegram do.
_TYPES = {
    **mimetypes.MimeTypes().types_map[True],
    ".amr": "audio/amr",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".wma": "audio/x-ms-wma",
    ".3gp": "video/3gpp",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".wmv": "video/x-ms-wmv",
    ".webp": "image/webp",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".ics": "text/calendar",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def guess_type(name: str) -> str:
    """Return the MIME type for a file's name, the same on every machine."""
    return _TYPES.get(PurePath(name).suffix.lower(), UNKNOWN_TYPE)


def measure_picture(path: Path) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP; None when it is none of them."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    size: tuple[int, int] | None
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            size = struct.unpack(">II", head[16:24])
        elif head.startswith((b"GIF87a", b"GIF89a")):
            size = struct.unpack("<HH", head[6:10])
        else:
            size = _measure_jpeg(head) or _measure_webp(head)
    except (struct.error, IndexError):
        size = None
    return size


def _measure_jpeg(head: bytes) -> tuple[int, int] | None:
    if not head.startswith(b"\xff\xd8"):
        return None
    position = 2
    while position + 9 < len(head):
        if head[position] != 0xFF:
            return None
        marker = head[position + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return width, height
        (length,) = struct.unpack(">H", head[position + 2 : position + 4])
        position += 2 + length
    return None


def _measure_webp(head: bytes) -> tuple[int, int] | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def measure_ogg_seconds(path: Path) -> int | None:
    """Length of an OGG file by its last page, rounded as Telegram shows it; None when it is not OGG."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(256)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
    if not head.startswith(b"OggS"):
        return None
    last = tail.rfind(b"OggS")
    if last < 0 or len(tail) < last + 14:
        return None
    (granule,) = struct.unpack("<q", tail[last + 6 : last + 14])
    rate, skipped = _OPUS_RATE, 0
    opus, vorbis = head.find(b"OpusHead"), head.find(b"\x01vorbis")
    if opus >= 0:
        (skipped,) = struct.unpack("<H", head[opus + 10 : opus + 12])
    elif vorbis >= 0:
        (rate,) = struct.unpack("<I", head[vorbis + 12 : vorbis + 16])
    return max(0, round((int(granule) - int(skipped)) / max(int(rate), 1)))


def looks_like_voice(path: Path) -> bool:
    """Whether a file is OGG, MP3 or M4A, the only formats that can be a voice message (#sendvoice)."""
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith((b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")) or head[4:8] == b"ftyp"


def looks_like_text(path: Path) -> bool:
    """Whether a file begins like text: no audio or video does."""
    with path.open("rb") as file:
        head = file.read(256)
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start >= len(head) - 3 > 0
    return True
