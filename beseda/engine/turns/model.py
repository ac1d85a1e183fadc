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

from beseda.core.chat import Conversation
from beseda.telegram.part import UNSENT, Part


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
