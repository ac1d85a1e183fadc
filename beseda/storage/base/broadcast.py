"""Stores for broadcasts, their recipients and opt-outs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from beseda.domain.broadcast import (
    Audience,
    Broadcast,
    BroadcastFilter,
    BroadcastState,
    NewBroadcast,
    Recipient,
    RecipientState,
)


class Turnout(StrEnum):
    """Whether a recipient may be sent to now."""

    GO = "go"
    SKIP = "skip"  # not this one: another process has them, or they do not want to
    END = "end"  # nobody any more: paused, cancelled, stopped


class BroadcastStore(Protocol):
    """Broadcasts. Each method is one transaction and raises StorageError."""

    async def create(self, new: NewBroadcast) -> Broadcast:
        """Store a draft."""
        ...

    async def find(self, broadcast_id: int) -> Broadcast | None:
        """Return a broadcast, or None."""
        ...

    async def list(
        self, wanted: BroadcastFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> Sequence[Broadcast]:
        """Return broadcasts, newest first: those with numbers below `before`, or from `offset` on."""
        ...

    async def count(self, wanted: BroadcastFilter) -> int:
        """Return the number of broadcasts that match."""
        ...

    async def rewrite(self, broadcast: Broadcast, *, photo: bytes | None = None) -> Broadcast | None:
        """Store the content of a draft and return it, or None if it is no longer a draft of that version.

        The content is its text, audience, plan and photo. If `photo` is None and the broadcast still names a photo
        type, the stored photo is kept.
        """
        ...

    async def photo(self, broadcast_id: int) -> bytes:
        """Return the bytes of the photo, or empty bytes if the broadcast has none."""
        ...

    async def delete(self, broadcast_id: int) -> bool:
        """Delete a draft. Return False if there is no draft with this number."""
        ...

    async def move(
        self, broadcast_id: int, states: Collection[BroadcastState], to: BroadcastState, *, reason: str = ""
    ) -> Broadcast | None:
        """Move a broadcast from one of `states` to the state `to` and return it, or None if it is in none of `states`.

        The move to RUNNING approves it. Raises BroadcastBusyError if another broadcast of the bot is running.
        """
        ...

    async def count_audience(self, bot: str, audience: Audience) -> int:
        """Return the number of people that a broadcast would be sent to."""
        ...

    async def gather(self, broadcast_id: int, *, limit: int) -> int:
        """Add the next people of the audience to the recipients. Return their number, or 0 once all are listed."""
        ...

    async def gather_cohort(self, broadcast_id: int, *, people: Collection[int] = (), size: int = 0) -> int:
        """Add some of these people, or the first `size` of the audience, to the recipients. Return their number."""
        ...

    async def pending(self, broadcast_id: int, *, after: int, limit: int) -> Sequence[Recipient]:
        """Return pending recipients, ordered by their ids."""
        ...

    async def begin(self, broadcast_id: int, user_id: int, run: int) -> Turnout:
        """Mark a recipient as being sent to before Telegram is called; `run` is the number of the calling job.

        Only the latest job may send: a job that was superseded by a pause or a lost lease gets `Turnout.END`.
        """
        ...

    async def release(self, broadcast_id: int, user_id: int) -> None:
        """Undo `begin`, because Telegram did not accept the message."""
        ...

    async def settle(
        self, broadcast_id: int, user_id: int, state: RecipientState, *, message_id: int | None = None, reason: str = ""
    ) -> None:
        """Record the outcome for a recipient. If the recipient blocked the bot, later broadcasts skip them as well."""
        ...

    async def outcomes(self, broadcast_id: int, *, limit: int) -> Sequence[RecipientState]:
        """Return the last outcomes since the broadcast began or was resumed, in chronological order."""
        ...

    async def recipients(
        self, broadcast_id: int, state: RecipientState | None, *, after: int, limit: int
    ) -> Sequence[Recipient]:
        """Return recipients of a broadcast, ordered by their ids."""
        ...

    async def retry_unknown(self, broadcast_id: int) -> int:
        """Queue the recipients with an unknown outcome again and return their number."""
        ...

    async def active(self) -> Sequence[Broadcast]:
        """Return the running broadcasts."""
        ...

    async def next_run(self, broadcast_id: int, run: int) -> int:
        """Count one more job after number `run`, only once, and return the number of the latest job."""
        ...

    async def rest(self, broadcast_id: int, until: datetime | None) -> None:
        """Store the time at which a broadcast continues after its quiet hours."""
        ...


class SubscriptionStore(Protocol):
    """Opt-outs and blocks by bot and person. Each method is one transaction and raises StorageError."""

    async def opt_out(self, bot: str, user_id: int) -> None:
        """Opt a person out of broadcasts."""
        ...

    async def opt_in(self, bot: str, user_id: int) -> None:
        """Opt a person in to broadcasts again."""
        ...

    async def note_block(self, bot: str, user_id: int, *, blocked: bool) -> None:
        """Record that a person blocked or unblocked the bot. Nothing is stored for an unknown person."""
        ...

    async def is_opted_out(self, bot: str, user_id: int) -> bool:
        """Return whether a person has opted out of broadcasts."""
        ...
