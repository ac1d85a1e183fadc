"""Files that go out with a part of an answer, and what the part remembers of them: paths and not bytes."""

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
    """One file: how it is shown, where it lies (below the storage folder) and what we call it."""

    kind: MediaKind
    path: str
    name: str


def write_media(media: Sequence[Media]) -> str:
    """Return what a part remembers of the files it carries; several photos or documents go out as one album."""
    return orjson.dumps([asdict(item) for item in media]).decode()


def read_media(text: str) -> list[Media]:
    """Return the files that a part carries."""
    return [Media(MediaKind(item["kind"]), item["path"], item["name"]) for item in orjson.loads(text)]
