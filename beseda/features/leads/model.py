"""A lead: a potential customer, and their statements about themselves.

Every field that a model has extracted from a conversation refers to its source message.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from beseda.core.version import Versions

# Slots that are also fields of the lead itself.
NAME_SLOT = "name"
CONTACT_SLOTS = ("contact", "phone", "email")


class LeadStatus(StrEnum):
    """How it stands with a lead."""

    ACTIVE = "active"
    WON = "won"
    LOST = "lost"


class SlotState(StrEnum):
    """The next step for a field: none, confirm it softly, ask again."""

    ACCEPTED = "accepted"
    TO_CONFIRM = "to_confirm"
    TO_ASK = "to_ask"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which confidence on a field is confirmed softly, and from which it is accepted; below it is asked again."""

    confirm_from: float = 0.6
    accept_from: float = 0.8

    def grade(self, confidence: float) -> SlotState:
        """Return the state of a field for a confidence between 0 and 1."""
        if confidence < self.confirm_from:
            return SlotState.TO_ASK
        return SlotState.TO_CONFIRM if confidence < self.accept_from else SlotState.ACCEPTED


class ConsentKind(StrEnum):
    """The subject of a consent: storing a person's statements about themselves, sending a calendar invitation."""

    PDPA_PROFILE = "pdpa_profile"
    CALENDAR_INVITE = "calendar_invite"


@dataclass(frozen=True, slots=True)
class LeadSlot:
    """A field with its proof: the words of `quote` stand in message `message_id`, written by `user_id`.

    `message_id` is None if the message has been deleted since, or if the value was entered by hand.
    """

    name: str
    value: str
    confidence: float
    message_id: int | None
    quote: str
    state: SlotState
    extracted_at: datetime
    user_id: int | None = None


class PhoneEvidence(StrEnum):
    """The source of a lead's phone: none is known, the conversation, the company, Telegram's contact button."""

    NONE = ""
    NAMED = "named"
    COMPANY = "company"
    TELEGRAM = "telegram"


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as stored in the database. `merged_into` is set on one that was merged into another.

    `user_id` is None for a lead that the company has entered without a Telegram account. `contact` is free text as
    entered, `phone` (E.164) and `email` are read from it. `version` rises with each change.
    """

    id: int
    bot: str
    user_id: int | None
    name: str
    contact: str
    phone: str
    email: str
    source: str
    status: LeadStatus
    stage: str
    owner: str
    notes: str
    fit_score: int
    version: int
    created_at: datetime
    updated_at: datetime
    merged_into: int | None = None
    slots: Mapping[str, LeadSlot] = field(default_factory=dict)
    phone_evidence: PhoneEvidence = PhoneEvidence.NONE


DEFAULT_SOURCE = "telegram"
"""The source of a lead whose person came to the bot by no link of its owner's."""


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead to be created, or to be found if this person has one already; then the given values are adopted.

    Without a `user_id` a new lead is always created.
    """

    bot: str
    user_id: int | None
    name: str = ""
    contact: str = ""
    source: str = DEFAULT_SOURCE
    stage: str = ""
    actor: str = "bot"


@dataclass(frozen=True, slots=True)
class Opened:
    """A lead, and whether it was made just now."""

    lead: Lead
    is_new: bool


@dataclass(frozen=True, slots=True)
class LeadChange:
    """A change of a lead; None leaves a field as it is, an empty text empties it."""

    name: str | None = None
    contact: str | None = None
    phone: str | None = None
    email: str | None = None
    status: LeadStatus | None = None
    stage: str | None = None
    owner: str | None = None
    notes: str | None = None
    fit_score: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that a model claims to have read: `value` stands in message `message_id` in the words of `quote`."""

    slot: str
    value: str
    confidence: float
    message_id: int
    quote: str


@dataclass(frozen=True, slots=True)
class RefusedFinding:
    """A finding that is not believed, and why in a word or two for the log and the next prompt."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The outcome of findings.

    `lead` is the lead to continue with: a verified phone may have merged it with another.
    """

    lead: Lead
    kept: tuple[LeadSlot, ...] = ()
    refused: tuple[RefusedFinding, ...] = ()

    @property
    def accepted(self) -> tuple[LeadSlot, ...]:
        """Fields that stand."""
        return tuple(slot for slot in self.kept if slot.state is SlotState.ACCEPTED)

    @property
    def to_confirm(self) -> tuple[LeadSlot, ...]:
        """Fields to be confirmed in passing."""
        return tuple(slot for slot in self.kept if slot.state is SlotState.TO_CONFIRM)

    @property
    def to_ask(self) -> tuple[LeadSlot, ...]:
        """Fields to be asked about again."""
        return tuple(slot for slot in self.kept if slot.state is SlotState.TO_ASK)


@dataclass(frozen=True, slots=True)
class StageVisit:
    """A stage that a lead was in; `exited_at` is None while it is."""

    stage: str
    entered_at: datetime
    exited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent that was asked for: dated, in the words that gave it, and revocable."""

    kind: ConsentKind
    user_id: int
    asked_at: datetime
    given_at: datetime | None = None
    revoked_at: datetime | None = None
    message_id: int | None = None
    words: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was given and not taken back."""
        return self.given_at is not None and self.revoked_at is None


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Another live lead of the bot with the same phone or mail address; `shares` names which: `phone`, `email`."""

    lead_id: int
    shares: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """The request to merge `other_id` into `lead_id`, or the reverse if only the other has a person."""

    lead_id: int
    other_id: int
    actor: str
    versions: Versions = None


class LeadSort(StrEnum):
    """The orders in which leads are listed; a minus stands for newest first."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    CHANGED_LAST = "-updated_at"
    CHANGED_FIRST = "updated_at"


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Conditions for a list of leads; None matches all. `q` is searched for in name, contact, fields and notes."""

    bot: str | None = None
    status: LeadStatus | None = None
    stage: str | None = None
    owner: str | None = None
    user_id: int | None = None
    q: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Which piece of the list: behind the lead at `after` (its time and id), else from `offset` on.

    `shown` are the columns of a piece that is written as JSON; all if it is empty.
    """

    limit: int = 100
    offset: int = 0
    sort: LeadSort = LeadSort.NEWEST
    after: tuple[datetime, int] | None = None
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadList:
    """A page of the list, the total number, and the start of the next page, or None if there is none."""

    items: tuple[Lead, ...]
    total: int
    after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class LeadText:
    """A piece of the list as a JSON array of flat objects, how many are in it, and how many there are in all."""

    array: str
    count: int
    total: int

    def end(self, name: str) -> tuple[str, int]:
        """Return the time `name` and the id of the last one. Raises ValueError for an empty piece."""
        # No text in it can hold this: a quote inside one stands behind a backslash.
        last = json.loads(self.array[self.array.rindex('{"id":') :].rstrip().removesuffix("]"))
        return last[name], last["id"]


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """All that is kept of a lead, as its person may have it."""

    lead: Lead
    stages: tuple[StageVisit, ...] = ()
    consents: tuple[Consent, ...] = ()
    events: tuple[Mapping[str, object], ...] = ()
