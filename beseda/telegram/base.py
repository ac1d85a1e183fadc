"""Interfaces and data types for messages to Telegram, used by the rest of the program."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol

from beseda.core.chat import ChatKey, ChatKind
from beseda.telegram.keyboards import Button, Markup
from beseda.telegram.part import Part


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a message. `reply_to` is quoted in groups, so that the answered message is clear.

    With `quotes` it is quoted in a private chat as well: one message of many is meant.
    """

    chat: ChatKey
    kind: ChatKind
    reply_to: int | None = None
    quotes: bool = False


class Draft(Protocol):
    """An answer that grows while it is made."""

    @property
    def text(self) -> str:
        """Markdown so far."""
        ...


Record = Callable[[Part], Coroutine[None, None, None]]

# Told of each flood wait: where and by which method it was met, and the seconds that Telegram asks for.
FloodNote = Callable[[Target, str, float], Coroutine[None, None, None]]


Begin = Callable[[], Awaitable[None]]  # records that a call is about to be made


class LiveAnswer(Protocol):
    """Display of an answer while it is made: typing, then the growing text."""

    def touch(self) -> None:
        """Notify that the draft has grown. Costs nothing until an update is due to be shown."""
        ...

    async def settle(self) -> None:
        """Show nothing more; returns when no call is under way."""
        ...


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """How to show an answer that is being made.

    `part` is the first part of the answer. If it is shown by editing a real message, its id is put there, and `record`
    is awaited before and after the message is sent, so that a crash never leaves an unknown message.
    """

    target: Target
    draft: Draft
    number: int
    part: Part
    record: Record
    stop: Button


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The outcome of a search: the id of the message, or None; with `is_certain` None means that it was not sent.

    `is_searched` means that the likeliest ids were tried, though not all that are possible.
    """

    message_id: int | None
    is_certain: bool = False
    is_searched: bool = False


class Messenger(Protocol):
    """One bot's voice in Telegram."""

    async def compose(self, markdown: str, keyboard: Markup = ()) -> list[Part]:
        """Turn Markdown into parts that Telegram takes; the last one carries the keyboard."""
        ...

    def is_free(self, target: Target) -> bool:
        """Return whether a message to this chat may go out at once."""
        ...

    def is_closed(self, target: Target) -> bool:
        """Return whether Telegram recently refused all messages to this chat, of any content."""
        ...

    async def put(self, target: Target, part: Part, begin: Begin) -> int:
        """Send a part, or edit it if it has a message id already, and return its message id.

        `begin` is awaited right before each call that sends it, when the call keeps within Telegram's limits. Wait as
        long as Telegram's flood control demands, and retry while Telegram is unavailable. Raise TelegramForbiddenError,
        TelegramRefusedError or TelegramUnauthorizedError, TelegramGoneError for an edit if the message is gone, and
        TelegramUnansweredError for a send that may have had an effect: the part is unknown then.
        """
        ...

    async def look_up(self, target: Target, part: Part) -> LookupResult:
        """Search the chat for a part in unknown state, once its call can no longer take effect.

        Raise StorageError, and the errors of `put`.
        """
        ...

    async def edit(self, target: Target, part: Part) -> int:
        """Edit message `part.message_id`. If the edit is refused, send nothing. Raise as `put` does."""
        ...

    def live(self, request: LiveRequest) -> LiveAnswer:
        """Begin to show an answer that is being made."""
        ...
