"""A conversation that a person of the owner's has taken over: the bot keeps silent in it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Takeover:
    """The operator that answers in a conversation in place of the bot, and the time of the takeover."""

    conversation_id: int
    operator: str
    since: datetime
