"""What the program remembers, as protocols: the only storage that services see.

The record (updates, turns, conversations, people, usage) lives in SQL. What is hot or short-lived (history window,
state, cache, rate limits) lives in Redis or, without one, in this process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from beseda.domain.conversation import ChatKey, ChatKind, Conversation, Person
from beseda.domain.file import FileOwner, FileSum, StoredFile
from beseda.domain.message import Message
from beseda.domain.personal_data import Forgotten, Profile, Said
from beseda.domain.turn import Part, Turn
from beseda.domain.update import StoredUpdate
from beseda.domain.usage import ModelCall, Totals


class UpdateStore(Protocol):
    """The inbox: every update, from before Telegram is told to drop it until it is worked off."""

    async def store(self, updates: Sequence[StoredUpdate]) -> list[StoredUpdate]:
        """Store what is new, in one transaction, and return it in order; repeated updates are left out."""
        ...

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as worked off; their payload is dropped, their number stays for de-duplication."""
        ...

    async def unfinished(self, bot: str, *, limit: int = 1000, after: int = 0) -> list[StoredUpdate]:
        """Return updates not yet worked off with a number above `after`, oldest first."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete finished updates received before then and return how many."""
        ...


class TurnStore(Protocol):
    """Turns and their parts. Each method is one transaction, shared with what other chats write at that moment."""

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn, what the user said (none for a command), and tie its updates to it.

        Of a turn that is there already (asked anew by a restart, or retried with the next `attempt`), state, reason
        and attempt are taken over; its message, where one is given, replaces the earlier one.
        """
        ...

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store the answer: `turn.state`, `turn.reason`, `turn.attempt` and all of `turn.parts` as they stand, the
        assistant's message and the model call where there are any. A turn not opened before is opened by it."""
        ...

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that the call that sends `part` is about to be made, and its message id where it has one already:
        a part that is shown while it grows, in a turn that is still received, is new to the record."""
        ...

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        """Record `part.state` and `part.message_id`; with no part left, finish the turn and its updates as well.

        A finished turn becomes delivered, in the record and in `turn.state`, unless it has failed: then it stays so.
        """
        ...

    async def finish(self, turn: Turn) -> None:
        """Record `turn.state` and `turn.reason` and mark its updates as worked off, sent or not."""
        ...

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn with its parts (those of its last attempt) and updates, or None."""
        ...


class ConversationStore(Protocol):
    """Conversations, their people and messages."""

    async def open(self, key: ChatKey, kind: ChatKind, title: str, person: Person) -> Conversation:
        """Return the conversation at `key`, made if new; `person` is remembered as seen now."""
        ...

    async def move(self, bot: str, old: int, new: int) -> None:
        """Have the conversations of chat `old` go on in chat `new`; one that has begun there already stays its own."""
        ...

    async def recent(self, conversation: Conversation, limit: int) -> list[Message]:
        """Return the last `limit` messages of delivered or answered turns, oldest first; failed turns do not count.

        The order is that of the turns: an answer that came late, after a retry, stands behind its question.
        """
        ...

    async def clear(self, conversation: Conversation) -> int:
        """Wipe what was said in the conversation and return how many messages that was.

        Questions not yet answered and answers not yet sent keep their text until they are through.
        """
        ...

    async def totals(self, conversation: Conversation) -> Totals:
        """Return what the conversation has used so far; wiping what was said takes nothing back."""
        ...


@dataclass(frozen=True, slots=True)
class FloodWait:
    """Telegram told us to wait: which bot, for which call, how many seconds, in which chat where one is concerned."""

    bot: str
    method: str
    seconds: float
    chat_id: int | None = None
    chat_kind: str = ""


class FloodWaitStore(Protocol):
    """The record of Telegram's flood control, for who runs the bots."""

    async def record(self, wait: FloodWait) -> None:
        """Keep a wait with the time it was asked for."""
        ...

    async def count(self, since: datetime) -> int:
        """Return how many waits there were since then."""
        ...


class FileStore(Protocol):
    """What is known of kept files. Ids rise with time, so that the newest file has the highest."""

    async def add(self, file: StoredFile) -> None:
        """Store a file's row, in place of an earlier one of the same id and owner."""
        ...

    async def find(self, file_id: int, owner: FileOwner) -> StoredFile | None:
        """Return a file of this owner, or None."""
        ...

    async def recent(self, owner: FileOwner, *, limit: int, offset: int = 0) -> list[StoredFile]:
        """Return some of an owner's files, newest first."""
        ...

    async def sum(self, owner: FileOwner) -> FileSum:
        """Return how many files an owner has, and their bytes."""
        ...

    async def older(self, before: datetime, *, limit: int) -> Sequence[StoredFile]:
        """Return files kept since before then, oldest first."""
        ...

    async def after(self, file_id: int, *, limit: int) -> Sequence[StoredFile]:
        """Return everybody's files with higher ids, in their order."""
        ...

    async def paths(self, file_ids: Sequence[int]) -> dict[int, str]:
        """Return the paths of those ids that have a row."""
        ...

    async def remove(self, file_ids: Sequence[int]) -> int:
        """Delete rows and return how many there were."""
        ...


class PersonalDataStore(Protocol):
    """Everything that belongs to one person in one bot; in groups that is their own turns, not what others said."""

    async def profile(self, user_id: int) -> Profile | None:
        """Return the person's row, or None."""
        ...

    async def conversations(self, owner: FileOwner) -> list[Conversation]:
        """Return the private chats of the person with the bot, and the groups in which they spoke to it."""
        ...

    async def said(
        self, conversation: Conversation, owner: FileOwner, *, after: Said | None = None, limit: int = 500
    ) -> list[Said]:
        """Return what the person said there and what was answered, in order, from behind `after` on."""
        ...

    async def unfinished_jobs(self, owner: FileOwner) -> list[int]:
        """Return the person's jobs that are not over."""
        ...

    async def forget(self, owner: FileOwner) -> Forgotten:
        """Delete turns with all that hangs on them, and jobs that are over; blank what has to stay.

        Turns under way stay until they are through; the person's id stays, as something new may hang on it at once.
        Files are not touched.
        """
        ...


class HistoryStore(Protocol):
    """The hot window of a conversation: the list `chat_history:{user_id}` of role and content."""

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages at the end at once, trim the list to its limit, renew its time to live."""
        ...

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None where nothing is known (new, expired)."""
        ...

    async def clear(self, key: str) -> None:
        """Forget the list."""
        ...


class StateStore(Protocol):
    """Small JSON-able values of a chat or a person: mode, pending question."""

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None."""
        ...

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value; it goes after `ttl` seconds where given."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a value; a missing one is no error."""
        ...


class Cache(Protocol):
    """Values that may go at any time, and counters."""

    async def get(self, key: str) -> bytes | None:
        """Return the value or None."""
        ...

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Store a value for `ttl` seconds."""
        ...

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Store a value only where there is none, atomically, and return whether it was stored."""
        ...

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter atomically and return its new value; `ttl` starts at the first addition."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a value; a missing one is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` events in any `seconds`."""

    limit: int
    seconds: float


class RateLimiter(Protocol):
    """Sliding windows over events."""

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed."""
        ...
