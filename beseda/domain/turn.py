"""A turn: one thing said to a bot and everything that is said in return.

    received ──► answered ──► delivered
        └───────────┴──► failed (with a reason; its notice is delivered all the same)

Each arrow is one transaction. What is `received` is asked anew after a crash, what is `answered` or `failed` is only
sent; a part that is `sending` without a message id is the one case where we cannot know whether Telegram took it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from beseda.domain.conversation import Conversation


class TurnState(StrEnum):
    """How far a turn has come."""

    RECEIVED = "received"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    FAILED = "failed"


class TurnKind(StrEnum):
    """What opened the turn: something for the model, or a command that is answered from here."""

    CHAT = "chat"
    VOICE = "voice"
    COMMAND = "command"


class PartState(StrEnum):
    """How far a part of an answer has come on its way to Telegram."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"


@dataclass(slots=True)
class Part:
    """One Telegram message of an answer. `number` counts from 0 within the turn; `markup` is reply_markup as JSON.

    `media` lists the files that go out in it, as `beseda.domain.media` writes them: `html` is then their caption.
    """

    number: int
    html: str
    markup: str = ""
    state: PartState = PartState.PENDING
    message_id: int | None = None
    media: str = ""


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

    def unsent(self) -> list[Part]:
        """Return the parts that Telegram has not been seen to take, in order."""
        return [part for part in self.parts if part.state in {PartState.PENDING, PartState.SENDING}]
