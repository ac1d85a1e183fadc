"""Where broadcasts are kept, the people they go to, and who wants none."""

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
    """Whether a person may be written to now."""

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
        """Return broadcasts, the last made first, those behind number `before` or from `offset` on."""
        ...

    async def count(self, wanted: BroadcastFilter) -> int:
        """Return how many there are."""
        ...

    async def rewrite(self, broadcast: Broadcast, *, photo: bytes | None = None) -> Broadcast | None:
        """Store a draft's words, audience, plan and photo; None where it is no draft of that version any more.

        The bytes of the photo stay where `photo` is None and the broadcast still names its type.
        """
        ...

    async def photo(self, broadcast_id: int) -> bytes:
        """Return the bytes of the photo, none where there is none."""
        ...

    async def delete(self, broadcast_id: int) -> bool:
        """Delete a draft; False where there is none of this number."""
        ...

    async def move(
        self, broadcast_id: int, states: Collection[BroadcastState], to: BroadcastState, *, reason: str = ""
    ) -> Broadcast | None:
        """Move a broadcast on from one of `states`; None where it is in none of them.

        To RUNNING approves it. Raises BroadcastBusyError where another of the bot is running.
        """
        ...

    async def count_audience(self, bot: str, audience: Audience) -> int:
        """Return how many people a broadcast would go to."""
        ...

    async def gather(self, broadcast_id: int, *, limit: int) -> int:
        """Put the next people of the audience on the list and return how many; 0 when everybody is on it."""
        ...

    async def gather_cohort(self, broadcast_id: int, *, people: Collection[int] = (), size: int = 0) -> int:
        """Put some of these people on the list, or the first `size` of the audience, and return how many."""
        ...

    async def pending(self, broadcast_id: int, *, after: int, limit: int) -> Sequence[Recipient]:
        """Return people that are still to come, in the order of their numbers."""
        ...

    async def begin(self, broadcast_id: int, user_id: int, run: int) -> Turnout:
        """Mark a person as being sent to, before Telegram is asked; `run` is the number of the job that asks.

        Only the last job sends: one that a pause or a lost lease has left behind is told that it is over.
        """
        ...

    async def release(self, broadcast_id: int, user_id: int) -> None:
        """Take that back: Telegram did not take the message."""
        ...

    async def settle(
        self, broadcast_id: int, user_id: int, state: RecipientState, *, message_id: int | None = None, reason: str = ""
    ) -> None:
        """Record what became of it; of one who blocked the bot, for later broadcasts as well."""
        ...

    async def outcomes(self, broadcast_id: int, *, limit: int) -> Sequence[RecipientState]:
        """Return what became of the last people since it began or went on, the last of them last."""
        ...

    async def recipients(
        self, broadcast_id: int, state: RecipientState | None, *, after: int, limit: int
    ) -> Sequence[Recipient]:
        """Return people of a broadcast in the order of their numbers."""
        ...

    async def retry_unknown(self, broadcast_id: int) -> int:
        """Have those sent to again of whom nobody knows, and return how many."""
        ...

    async def active(self) -> Sequence[Broadcast]:
        """Return the broadcasts that send."""
        ...

    async def next_run(self, broadcast_id: int, run: int) -> int:
        """Count one job more after number `run`, once, and return the number of the last."""
        ...

    async def rest(self, broadcast_id: int, until: datetime | None) -> None:
        """Record when a broadcast goes on after its quiet hours."""
        ...


class SubscriptionStore(Protocol):
    """Who is not to be written to by a bot. Each method is one transaction and raises StorageError."""

    async def opt_out(self, bot: str, user_id: int) -> None:
        """Send no broadcasts to a person."""
        ...

    async def opt_in(self, bot: str, user_id: int) -> None:
        """Send them again."""
        ...

    async def note_block(self, bot: str, user_id: int, *, blocked: bool) -> None:
        """Record that a person blocked the bot, or lets it in again; of a stranger nothing is kept."""
        ...

    async def is_opted_out(self, bot: str, user_id: int) -> bool:
        """Return whether a person wants no broadcasts."""
        ...
