"""A file that is kept for a person: a transcript, a document, a photo, a recording."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from beseda.core.ids import new_id

# Emoji, and what some systems do not take in a name of a file.
_UNFIT = re.compile(r"[^\w\s.,()-]+")
_LONGEST_TITLE = 60
_LONGEST_SUBJECT = 40


def add_subject(title: str, subject: str) -> str:
    """Return a title with the subject of the file: "Summary: Budget of May".

    The subject is cut to at most 40 characters, between words.
    """
    words = " ".join(subject.split())
    if len(words) > _LONGEST_SUBJECT:
        words = words[: _LONGEST_SUBJECT + 1].rpartition(" ")[0] or words[:_LONGEST_SUBJECT]
    words = words.strip(" .,;:!?…-")
    return f"{title}: {words}" if words else title


class FileKind(StrEnum):
    """The kind of a file, as its owner knows it."""

    TRANSCRIPT = "transcript"
    DOCUMENT = "document"
    PHOTO = "photo"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class FileOwner:
    """The owner of a file: a person in one bot. The same person in another bot is another owner."""

    bot: str
    user_id: int


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be stored, with its origin.

    `title` is for people and never part of a path. `suffix` is like ".txt". A job that may run twice takes `id` from
    its payload, so that a second run replaces the file.
    """

    owner: FileOwner
    chat_id: int
    kind: FileKind
    title: str
    suffix: str = ""
    mime: str = ""
    turn_id: int | None = None
    job_id: int | None = None
    id: int = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A kept file: `path` is relative to the folder of files, `sha256` in hexadecimal, `size` in bytes."""

    id: int
    owner: FileOwner
    chat_id: int
    kind: FileKind
    title: str
    path: str
    mime: str
    size: int
    sha256: str
    created_at: datetime
    turn_id: int | None = None
    job_id: int | None = None

    @property
    def download_name(self) -> str:
        """The name for a download folder: the title, the day, and five digits that distinguish files of one day."""
        title = " ".join(_UNFIT.sub(" ", self.title).split())[:_LONGEST_TITLE].rstrip(" .") or str(self.kind)
        suffix = self.path.rpartition(".")[2]
        return f"{title}, {self.created_at:%d.%m.%Y} ({self.id & 0xFFFFF:05x}).{suffix}"


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files: None means all."""

    bot: str | None = None
    user_id: int | None = None
    kind: FileKind | None = None


@dataclass(frozen=True, slots=True)
class FileSum:
    """How many files, and their bytes."""

    count: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class FilePage:
    """Some of a person's files, newest first. `number` counts from 0; `pages` is at least 1."""

    files: tuple[StoredFile, ...]
    number: int
    pages: int
    sum: FileSum
