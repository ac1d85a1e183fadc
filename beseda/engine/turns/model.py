"""A turn: one input to a bot and all messages in response to it.

    received ──► answered ──► delivered
        └───────────┴──► failed (with a reason; its notice is delivered all the same)

Each arrow is one transaction. After a crash a turn that is `received` is sent to the model again, a turn that is
`answered` or `failed` is only delivered. A part that was `sending` when the process died, or that has no response to
its call, is `unknown`: it is searched for in the chat, and sent once more if it is not found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import orjson

from beseda.core.chat import Conversation


class TurnState(StrEnum):
    """How far a turn has come."""

    RECEIVED = "received"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    FAILED = "failed"


class TurnKind(StrEnum):
    """The input that opened the turn: a message or a recording for the model, or a command for the program."""

    CHAT = "chat"
    VOICE = "voice"
    COMMAND = "command"


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

    `media` lists the files that are sent in it, as `beseda.telegram.media` writes them: `html` is then their caption.

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


@dataclass(slots=True)
class Turn:
    """A turn as it is worked on. `update_ids` are the updates it answers: more than one when input was joined."""

    id: int
    conversation: Conversation
    user_id: int
    kind: TurnKind
    update_ids: Sequence[int] = ()
    reply_to: int | None = None
    input: str = ""
    state: TurnState = TurnState.RECEIVED
    reason: str = ""
    attempt: int = 0
    parts: list[Part] = field(default_factory=list)
    created_at: datetime | None = None

    @property
    def can_be_repeated(self) -> bool:
        """Whether its words, or their recording, are known and were not wiped since."""
        return bool(self.input) or self.kind is TurnKind.VOICE

    def unsent(self) -> list[Part]:
        """Return the parts that Telegram has not been seen to take, in order."""
        return [part for part in self.parts if part.state in UNSENT]
