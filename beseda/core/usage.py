"""The tokens and the cost of model calls."""

from dataclasses import dataclass
from enum import StrEnum

DEMO = "demo"
"""The endpoint and the model of the demo, which stands in where no model is connected."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one model call.

    `cost` is in US dollars, or None if the endpoint does not report it. `estimated` marks counts that no server
    reported.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to a model, as the record keeps it. Times are in milliseconds."""

    endpoint: str
    model: str
    usage: Usage
    finish_reason: str
    first_token_ms: int
    total_ms: int
    error: str = ""


class Purpose(StrEnum):
    """The purpose of a model call."""

    ANSWER = "answer"
    EXTRACTION = "extraction"
    SUMMARY = "summary"
    BRIEFING = "briefing"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class CallPurpose:
    """The purpose of a call outside chat turns: a bot, and a conversation if the call concerns one."""

    bot: str
    purpose: Purpose
    conversation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The usage of one person or chat so far; `since` is an ISO date or empty."""

    messages: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    since: str = ""
