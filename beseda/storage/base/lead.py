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
from beseda.domain.lead_update import LeadUpdate, Source
from beseda.domain.version import Versions

Decide: TypeAlias = Callable[[Lead, Mapping[int, Source]], LeadUpdate]


class LeadStore(Protocol):
    """The table of leads. Each method is one transaction, its events written in it; every one raises StorageError.

    What is given a lead that was merged works on the one that it has become part of.
    """

    async def find(self, lead_id: int) -> Lead | None:
        """Return a lead with its fields, as it is: one that was merged says into which."""
        ...

    async def for_user(self, bot: str, user_id: int) -> Lead | None:
        """Return a person's live lead, the one theirs was merged into, or None."""
        ...

    async def open(self, new: NewLead, *, region: str) -> Opened:
        """Return a person's lead, made where there is none, with what `new` gives."""
        ...

    async def update(self, lead_id: int, decide: Decide, message_ids: Sequence[int] = ()) -> Lead | None:
        """Change a lead as `decide` says and return it as it is then; None where there is none.

        `decide` is given the lead and those of the messages that its people wrote to its bot. It may run more than
        once. A phone that Telegram has verified in both makes two leads of the bot one: the older one goes on.
        """
        ...

    async def list(self, wanted: LeadFilter, page: LeadPage) -> LeadList:
        """Return live leads, without their fields."""
        ...

    async def write(self, wanted: LeadFilter, page: LeadPage) -> LeadText:
        """Return live leads, without their fields, as JSON: the quick way to show many."""
        ...

    async def family(self, lead_id: int) -> Sequence[int]:
        """Return the ids of a lead and of those that were merged into it; empty where there is none."""
        ...

    async def duplicates(self, lead_id: int) -> Sequence[PossibleDuplicate]:
        """Return the live leads that may be the same person: they share the phone or the mail address."""
        ...

    async def merge(self, order: Merge) -> Lead:
        """Make two leads of one bot one. Raises NotFoundError, MergeRefusedError and StaleVersionError."""
        ...

    async def unmerge(self, lead_id: int, actor: str) -> Lead:
        """Make a lead that was merged a live one again. Raises NotFoundError and MergeRefusedError."""
        ...

    async def delete(self, lead_id: int, actor: str, versions: Versions = None) -> bool:
        """Delete a lead with all that was merged into it and their events; only that it is gone remains.

        Raises StaleVersionError for a lead of none of the `versions`.
        """
        ...

    async def stages(self, lead_id: int) -> Sequence[StageVisit]:
        """Return the stages that a lead has been in, the first one first."""
        ...

    async def consents(self, lead_id: int) -> Sequence[Consent]:
        """Return what a lead's people were asked to allow, the first one first."""
        ...

    async def ask_consent(self, lead_id: int, kind: ConsentKind, user_id: int) -> None:
        """Keep that a person was asked just now."""
        ...

    async def give_consent(self, lead_id: int, kind: ConsentKind, message_id: int) -> Consent | None:
        """Keep that the author of a message has consented in it; None where no person of the lead wrote it."""
        ...

    async def revoke_consent(self, lead_id: int, kind: ConsentKind, message_id: int | None, actor: str) -> bool:
        """Keep that a consent is taken back or refused, by a person's message or by hand; False: no such lead."""
        ...
