"""The data that a bot stores about a person, for export and erasure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from beseda.core.chat import ChatKey, Person
from beseda.core.message import Role
from beseda.engine.files.model import FileOwner


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's own row."""

    person: Person
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a person's turn: their words, or the answer to them. `id` and `turn_id` place it in its order."""

    turn_id: int
    id: int
    role: Role
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invitations:
    """The calendar UIDs of a person's meetings, and files of others that may contain them."""

    uids: Sequence[str]
    files: Sequence[tuple[int, FileOwner]]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The numbers of erased items, and `pending`: turns still being answered, which keep their words until they end.

    The command that requested the erasure is one of those. `chats` are the chats with short-term history to be erased
    as well.
    """

    turns: int = 0
    messages: int = 0
    jobs: int = 0
    files: int = 0
    file_bytes: int = 0
    leads: int = 0
    pending: int = 0
    chats: tuple[ChatKey, ...] = ()
