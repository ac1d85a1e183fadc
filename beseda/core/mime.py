"""Detection of a file's type by its first bytes or its name, with the same result on every machine.

`mimetypes` of the standard library reads tables of the machine; without `/etc/mime.types`, as in slim images, it lacks
most audio and video types.
"""

from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = "application/octet-stream"
HEAD_BYTES: Final = 64
"""How much of a file `sniff` needs."""

_BY_SUFFIX: Final[Mapping[str, str]] = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "amr": "audio/amr",
    "caf": "audio/x-caf",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mp3": "audio/mpeg",
    "mpga": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "wma": "audio/x-ms-wma",
    "3gp": "video/3gpp",
    "avi": "video/x-msvideo",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "webm": "video/webm",
    "wmv": "video/x-ms-wmv",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "js": "text/javascript",
    "log": "text/plain",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "srt": "application/x-subrip",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "xml": "text/xml",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "woff2": "font/woff2",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
# Beginnings of files, longest first where one contains another.
_BY_HEAD: Final = (
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"caff", "audio/x-caf"),
    (b"wvpk", "audio/x-wavpack"),
    (b".snd", "audio/basic"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "audio/x-ms-wma"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
# Containers whose kind stands a few bytes on: what they begin with, and which word at which place means what.
_RIFF: Final = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}
_FORM: Final = {b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}
_BRANDS: Final = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
}


def guess_mime(name: str) -> str:
    """Return the MIME type for the extension of a file's name, or an empty string if it is unknown."""
    stem, _, suffix = name.rpartition(".")
    return _BY_SUFFIX.get(suffix.strip().lower(), "") if stem else ""


def sniff(head: bytes) -> str:
    """Return the MIME type of a file by its first bytes, or an empty string if it is unknown."""
    word = head[8:12]
    if head[:4] == b"RIFF":
        return _RIFF.get(word, "")
    if head[:4] == b"FORM":
        return _FORM.get(word, "")
    if head[4:8] == b"ftyp":
        return _BRANDS.get(word, "video/3gpp" if word[:2] == b"3g" else "video/mp4")
    known = next((mime for beginning, mime in _BY_HEAD if head.startswith(beginning)), "")
    return known or _sniff_frames(head)


def _sniff_frames(head: bytes) -> str:
    """Return the MIME type of a headerless file that begins with a frame of MPEG audio: MP3, or AAC as ADTS."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer, rate = head[1] & 0x06, head[2] & 0xF0
    return "audio/mpeg" if layer and rate != 0xF0 else ""
