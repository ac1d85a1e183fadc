"""Files that are sent with a part of an answer, and the form in which the part stores them: paths, not bytes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson


class MediaKind(StrEnum):
    """How a file is shown, in the Bot API's field names."""

    DOCUMENT = "document"
    PHOTO = "photo"
    AUDIO = "audio"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Media:
    """One file: its kind, its path below the storage folder, and the file name that people see."""

    kind: MediaKind
    path: str
    name: str


def write_media(media: Sequence[Media]) -> str:
    """Return the stored form of a part's files; several photos or documents are sent as one album."""
    return orjson.dumps([asdict(item) for item in media]).decode()


def read_media(text: str) -> list[Media]:
    """Return the files that a part carries."""
    return [Media(MediaKind(item["kind"]), item["path"], item["name"]) for item in orjson.loads(text)]
