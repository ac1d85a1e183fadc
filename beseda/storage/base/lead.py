"""Leads, as services see them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from beseda.domain.lead import (
    Consent,
    ConsentKind,
    Lead,
    LeadFilter,
    LeadList,
    LeadPage,
    LeadText,
    Merge,
    NewLead,
    Opened,
    PossibleDuplicate,
    StageVisit,
)
from beseda.domain.lead_update import LeadMessage, LeadUpdate
from beseda.domain.version import Versions

Decide: TypeAlias = Callable[[Lead, Mapping[int, LeadMessage]], LeadUpdate]


class LeadStore(Protocol):
    """The table of leads. Each method is one transaction that includes its events, and raises StorageError.

    A change to a merged lead is applied to the lead that it was merged into.
    """

    async def find(self, lead_id: int) -> Lead | None:
        """Return a lead with its fields as stored, or None. A merged lead names the lead that it was merged into."""
        ...

    async def for_user(self, bot: str, user_id: int) -> Lead | None:
        """Return a person's live lead, or the live lead that theirs was merged into, or None."""
        ...

    async def open(self, new: NewLead, *, region: str) -> Opened:
        """Return a person's lead with the values of `new` applied. Create it if there is none."""
        ...

    async def update(self, lead_id: int, decide: Decide, message_ids: Sequence[int] = ()) -> Lead | None:
        """Apply the decision of `decide` to a lead and return the changed lead, or None if it does not exist.

        `decide` receives the lead and those of the messages that its people wrote to its bot. It may run more than
        once. Two leads of the bot with the same phone, verified by Telegram in both, are merged into the older one.
        """
        ...

    async def list(self, wanted: LeadFilter, page: LeadPage) -> LeadList:
        """Return live leads, without their fields."""
        ...

    async def write(self, wanted: LeadFilter, page: LeadPage) -> LeadText:
        """Return live leads, without their fields, as JSON. This is faster for long lists."""
        ...

    async def family(self, lead_id: int) -> Sequence[int]:
        """Return the ids of a lead and of the leads that were merged into it; empty if it does not exist."""
        ...

    async def duplicates(self, lead_id: int) -> Sequence[PossibleDuplicate]:
        """Return the live leads that may be the same person: they share the phone or the mail address."""
        ...

    async def merge(self, order: Merge) -> Lead:
        """Merge two leads of one bot. Raises NotFoundError, MergeRefusedError and StaleVersionError."""
        ...

    async def unmerge(self, lead_id: int, actor: str) -> Lead:
        """Make a merged lead a live one again. Raises NotFoundError and MergeRefusedError."""
        ...

    async def delete(self, lead_id: int, actor: str, versions: Versions = None) -> bool:
        """Delete a lead, the leads merged into it and their events. Only the event of the deletion remains.

        Returns False if the lead does not exist. Raises StaleVersionError if `versions` does not contain the lead's
        version.
        """
        ...

    async def stages(self, lead_id: int) -> Sequence[StageVisit]:
        """Return the stages that a lead has passed through, oldest first."""
        ...

    async def consents(self, lead_id: int) -> Sequence[Consent]:
        """Return the consents requested from the people of a lead, oldest first."""
        ...

    async def ask_consent(self, lead_id: int, kind: ConsentKind, user_id: int) -> None:
        """Record that a person was asked for a consent now."""
        ...

    async def give_consent(self, lead_id: int, kind: ConsentKind, message_id: int) -> Consent | None:
        """Record the consent given in a message and return it, or None if the author is not a person of the lead."""
        ...

    async def revoke_consent(self, lead_id: int, kind: ConsentKind, message_id: int | None, actor: str) -> bool:
        """Record that a consent is revoked or refused, by a person's message or by hand.

        Return False if the lead does not exist or the message is not from one of its people.
        """
        ...
