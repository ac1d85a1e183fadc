"""Summaries of the part of a conversation that its model is no longer shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from beseda.core.message import Message

MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of all messages up to and including the turn `cutoff`."""

    conversation_id: int
    text: str
    cutoff: int
    model: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Messages that are next to be summed up, whole turns of them up to `cutoff`, and the summary of all before."""

    conversation_id: int
    base: Summary | None
    messages: Sequence[Message]
    cutoff: int


def cut_words(text: str, most: int = MAX_WORDS) -> str:
    """Return at most `most` words of a text, ending with a sentence if one ends in the second half of them."""
    words = text.split()
    if len(words) <= most:
        return text.strip()
    kept = " ".join(words[:most])
    end = max(kept.rfind(mark) for mark in (". ", "! ", "? ", "… "))
    return kept[: end + 1] if end > len(kept) // 2 else f"{kept}…"
