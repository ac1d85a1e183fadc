from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beseda.sandbox.methods import (
    account,
    callbacks,
    chats,
    commands,
    drafts,
    edits,
    media,
    messages,
    updates,
)

if TYPE_CHECKING:
    from beseda.sandbox.realm import Handler


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Bot API under the name its page gives it."""

    name: str
    handler: Handler


_TOPICS: tuple[dict[str, Handler], ...] = (
    account.METHODS,
    updates.METHODS,
    messages.METHODS,
    media.METHODS,
    edits.METHODS,
    drafts.METHODS,
    callbacks.METHODS,
    commands.METHODS,
    chats.METHODS,
)

# Looked up in lower case: method names are case-insensitive (#making-requests).
METHODS: dict[str, Method] = {
    name.lower(): Method(name, handler) for topic in _TOPICS for name, handler in topic.items()
}
