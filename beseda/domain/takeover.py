"""A conversation that a person of the owner's has taken over: the bot keeps silent in it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Takeover:
    """Who answers in a conversation in place of the bot, and since when."""

    conversation_id: int
    operator: str
    since: datetime
