"""Leads: created, filled with facts proven by messages, changed by hand, and merged if they are the same person."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from beseda.core.chat import Person
from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError, StaleVersionError
from beseda.core.version import Versions
from beseda.engine.events.model import Event, EventFilter
from beseda.engine.events.repository import EventRepository
from beseda.features.leads.contact import DEFAULT_REGION
from beseda.features.leads.model import (
    Consent,
    ConsentKind,
    Filled,
    Finding,
    Lead,
    LeadChange,
    LeadFilter,
    LeadList,
    LeadPage,
    LeadText,
    Merge,
    NewLead,
    Opened,
    PhoneEvidence,
    PossibleDuplicate,
    StageVisit,
    Thresholds,
)
from beseda.features.leads.repository import Decide, LeadRepository
from beseda.features.leads.update import (
    LeadMessage,
    LeadUpdate,
    Terms,
    apply_change,
    apply_findings,
    confirm_slot,
    drop_slot,
    view_for,
)

_STANDARD = Thresholds()
_NOBODY = 0
Bell: TypeAlias = Callable[[int], Awaitable[None]]


async def _nobody(_lead_id: int) -> None:
    """Notify no subscriber."""


class LeadService:
    """Operations on leads. Methods with a lead's id raise NotFoundError; all raise StorageError.

    An operation on a merged lead applies to the lead that it was merged into. Continue with the returned lead.
    """

    def __init__(
        self,
        store: LeadRepository,
        events: EventRepository,
        clock: Clock,
        *,
        region: str = DEFAULT_REGION,
        bell: Bell = _nobody,
    ) -> None:
        """`region` is the country of phone numbers without a country code. `bell` is called after each change."""
        self._store = store
        self._events = events
        self._clock = clock
        self._region = region
        self._bell = bell

    async def find(self, lead_id: int) -> Lead:
        """Return a lead with its fields. A merged lead is returned as it is and names the lead it was merged into."""
        return _found(await self._store.find(lead_id), lead_id)

    async def for_user(self, bot: str, person: Person) -> Lead:
        """Return a person's lead, with only the facts that this person stated. Create it if there is none."""
        known = await self._store.for_user(bot, person.id)
        if known is None:
            known = (await self.open(NewLead(bot, person.id, name=person.name))).lead
        return view_for(known, person.id)

    async def open(self, new: NewLead) -> Opened:
        """Return a person's lead, created if there is none, with the values of `new`."""
        opened = await self._store.open(new, region=self._region)
        await self._bell(opened.lead.id)
        return opened

    @property
    def region(self) -> str:
        """The country of phone numbers without a country code."""
        return self._region

    async def fill(
        self,
        lead_id: int,
        findings: Sequence[Finding],
        thresholds: Thresholds = _STANDARD,
        *,
        evidence: PhoneEvidence = PhoneEvidence.NAMED,
    ) -> Filled:
        """Store a model's findings that are proven by messages of the lead's own people.

        `thresholds` decide whether a finding is to be asked again, to be confirmed, or accepted. Replaced values stay
        in the events. A phone that Telegram has verified (`evidence`) merges the lead with others of the same person.
        """
        outcome, authors = Filled(await self.find(lead_id)), {_NOBODY}

        def decide(lead: Lead, sources: Mapping[int, LeadMessage]) -> LeadUpdate:
            nonlocal outcome, authors
            authors = {source.user_id for source in sources.values()}
            terms = Terms(self._clock.now(), self._region, thresholds, evidence)
            update, outcome = apply_findings(lead, findings, sources, terms)
            return update

        lead = await self._update(lead_id, decide, [finding.message_id for finding in findings])
        # A message's author is not told what the other person of a merged lead has said.
        shown = view_for(lead, authors.pop() if len(authors) == 1 else _NOBODY)
        return Filled(shown, outcome.kept, outcome.refused)

    async def confirm(self, lead_id: int, slot: str) -> Lead:
        """Accept a field that the person has confirmed."""
        return await self._update(lead_id, lambda lead, _: confirm_slot(lead, slot, self._region))

    async def drop(self, lead_id: int, slot: str) -> Lead:
        """Empty a field that the person has denied."""
        return await self._update(lead_id, lambda lead, _: drop_slot(lead, slot))

    async def change(self, lead_id: int, change: LeadChange, *, versions: Versions = None, actor: str) -> Lead:
        """Change the given values in the name of `actor`.

        Raises StaleVersionError if the lead's version is not among `versions`.
        """

        def decide(lead: Lead, _: Mapping[int, LeadMessage]) -> LeadUpdate:
            if versions is not None and (lead.version not in versions or lead_id != lead.id):
                raise StaleVersionError(f"lead {lead_id} is at version {lead.version}")
            return apply_change(lead, change, actor, self._region)

        return await self._update(lead_id, decide)

    async def enter_stage(self, lead_id: int, stage: str, *, actor: str = "bot") -> Lead:
        """Have a lead enter a stage; it leaves the one it was in."""
        return await self.change(lead_id, LeadChange(stage=stage), actor=actor)

    async def list(self, wanted: LeadFilter, page: LeadPage) -> LeadList:
        """Return live leads, without their fields."""
        return await self._store.list(wanted, page)

    async def write(self, wanted: LeadFilter, page: LeadPage) -> LeadText:
        """Return live leads, without their fields, as JSON: the quick way to show many."""
        return await self._store.write(wanted, page)

    async def duplicates(self, lead_id: int) -> Sequence[PossibleDuplicate]:
        """Return the live leads that may be the same person: they share the phone or the mail address."""
        return await self._store.duplicates(lead_id)

    async def merge(self, order: Merge) -> Lead:
        """Make two leads one, as a person of the company has decided. Raises MergeRefusedError, StaleVersionError."""
        lead = await self._store.merge(order)
        await self._bell(lead.id)
        return lead

    async def unmerge(self, lead_id: int, *, actor: str) -> Lead:
        """Make a lead that was merged a live one again. Raises MergeRefusedError."""
        lead = await self._store.unmerge(lead_id, actor)
        await self._bell(lead.id)
        return lead

    async def delete(self, lead_id: int, *, versions: Versions = None, actor: str) -> None:
        """Delete a lead with all that was merged into it and its events. Raises StaleVersionError like `change`."""
        if not await self._store.delete(lead_id, actor, versions):
            raise NotFoundError(f"lead {lead_id}")
        await self._bell(lead_id)

    async def events(
        self, lead_id: int, *, limit: int = 100, offset: int = 0, before: int | None = None
    ) -> tuple[Sequence[Event], int]:
        """Return the events of a lead and the leads merged into it, newest first, and their total number."""
        family = tuple(await self._store.family(lead_id))
        if not family:
            raise NotFoundError(f"lead {lead_id}")
        return await self.list_events(EventFilter(lead_ids=family), limit=limit, offset=offset, before=before)

    async def list_events(
        self, wanted: EventFilter, *, limit: int = 100, offset: int = 0, before: int | None = None
    ) -> tuple[Sequence[Event], int]:
        """Return events, newest first, and their total number."""
        found = await self._events.list(wanted, limit=limit, offset=offset, before=before)
        return found, await self._events.count(wanted)

    async def stages(self, lead_id: int) -> Sequence[StageVisit]:
        """Return the stages that a lead has been in, the first one first."""
        return await self._store.stages(lead_id)

    async def consents(self, lead_id: int) -> Sequence[Consent]:
        """Return the consents that a lead's people were asked for, oldest first."""
        return await self._store.consents(lead_id)

    async def ask_consent(self, lead_id: int, kind: ConsentKind, person: Person) -> None:
        """Keep that a person is being asked now."""
        await self._store.ask_consent(lead_id, kind, person.id)

    async def give_consent(self, lead_id: int, kind: ConsentKind, message_id: int) -> Consent:
        """Keep that the author of a message has consented in it. Raises NotFoundError for a message of others."""
        given = await self._store.give_consent(lead_id, kind, message_id)
        if given is None:
            raise NotFoundError(f"message {message_id} of lead {lead_id}")
        await self._bell(lead_id)
        return given

    async def revoke_consent(
        self, lead_id: int, kind: ConsentKind, message_id: int | None = None, *, actor: str = "bot"
    ) -> None:
        """Store that a consent was revoked or refused: by the message's author, or by all people of the lead.

        Without a consent to keep a profile, events are sent without personal data.
        """
        if not await self._store.revoke_consent(lead_id, kind, message_id, actor):
            raise NotFoundError(f"lead {lead_id}")
        await self._bell(lead_id)

    async def _update(self, lead_id: int, decide: Decide, message_ids: Sequence[int] = ()) -> Lead:
        lead = _found(await self._store.update(lead_id, decide, message_ids), lead_id)
        await self._bell(lead.id)
        return lead


def _found(lead: Lead | None, lead_id: int) -> Lead:
    if lead is None:
        raise NotFoundError(f"lead {lead_id}")
    return lead
