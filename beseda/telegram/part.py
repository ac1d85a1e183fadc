"""One Telegram message of an answer, and the files that are sent in it, stored as paths below the storage folder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

import orjson

# An account has one counter of message ids for all its private chats and basic groups, and each supergroup or channel
# has its own (https://core.telegram.org/api/updates: one common message box, one per channel).
COMMON_BOX = 0
# Ids of supergroups and channels lie below (https://core.telegram.org/api/bots/ids).
_LAST_BASIC_GROUP = -1_000_000_000_000


class PartState(StrEnum):
    """How far a part of an answer has come on its way to Telegram."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"  # a call was made, and its outcome is not known
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"  # unknown for good: it was repeated, and is not repeated again
    DROPPED = "dropped"


UNSENT = {PartState.PENDING, PartState.SENDING, PartState.UNKNOWN}


@dataclass(slots=True)
class Part:
    """One Telegram message of an answer. `number` counts from 0 within the turn; `markup` is reply_markup as JSON.

    `media` lists the files that are sent in it, as `write_media` writes them: `html` is then their caption.

    Of the call that sends it: `begun_at` is its start, `over_at` the time after which it can no longer take effect,
    `repeats` the number of earlier calls with an unknown outcome, and `sent_as` its content if that of the part has
    changed since (an answer that grows).
    """

    number: int
    html: str
    markup: str = ""
    state: PartState = PartState.PENDING
    message_id: int | None = None
    media: str = ""
    begun_at: datetime | None = None
    over_at: datetime | None = None
    repeats: int = 0
    sent_as: str = ""

    def content(self) -> str:
        """Return text and buttons as one JSON text, as `sent_as` keeps them."""
        return orjson.dumps([self.html, self.markup]).decode()

    def as_sent(self) -> tuple[str, str]:
        """Return the HTML and the buttons of the call with an unknown outcome."""
        if not self.sent_as:
            return self.html, self.markup
        html, markup = orjson.loads(self.sent_as)
        return html, markup

    def continue_from(self, shown: "Part") -> None:
        """Take the place of a part that may be in the chat already: its message, or the search for it."""
        self.message_id = shown.message_id
        if shown.state is PartState.UNKNOWN:
            self.state, self.repeats = shown.state, shown.repeats
            self.begun_at, self.over_at = shown.begun_at, shown.over_at
            self.sent_as = shown.sent_as or shown.content()


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


def message_box(chat_id: int) -> int:
    """Return the counter that the message ids of a chat come from."""
    return chat_id if chat_id < _LAST_BASIC_GROUP else COMMON_BOX
