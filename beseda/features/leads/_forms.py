"""The forms of leads: as they are shown, made, changed and asked for."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, Strict

from beseda.features.leads.model import ConsentKind, LeadFilter, LeadSort, LeadStatus, PhoneEvidence, SlotState
from beseda.web.fields import HIGHEST, Moment, StrictModel, without_nul

_TELEGRAM_IDS = 2**52  # https://core.telegram.org/bots/api#user: at most 52 significant bits
_UPDATED_FROM = "Last changed at this time or later; without `updated_to` one minute earlier is included."
_LEAD: dict[str, JsonValue] = {
    "id": 12,
    "bot": "sales",
    "user_id": 700000001,
    "name": "Anna",
    "contact": "+7 999 123-45-67",
    "phone": "+79991234567",
    "email": "",
    "source": "telegram",
    "status": "active",
    "stage": "discovery",
    "owner": "",
    "notes": "",
    "fit_score": 55,
    "version": 4,
    "created_at": "2026-11-20T09:00:00Z",
    "updated_at": "2026-11-20T09:05:00Z",
    "merged_into": None,
    "phone_evidence": "telegram",
}
FIELDS = tuple(_LEAD)


Name = Annotated[str, Field(max_length=200), AfterValidator(without_nul)]
ContactText = Annotated[str, Field(max_length=500), AfterValidator(without_nul)]
Short = Annotated[str, Field(max_length=64), AfterValidator(without_nul)]
Notes = Annotated[str, Field(max_length=10_000), AfterValidator(without_nul)]


class LeadOut(BaseModel):
    """A lead; `phone` (E.164) and `email` are read out of `contact`, `merged_into` is the lead that it is part of.

    `user_id` is null for a lead without a Telegram account. `phone_evidence` is the source of the phone: the
    conversation (`named`), an API key (`company`), or Telegram's own contact button (`telegram`).
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
    merged_into: int | None
    phone_evidence: PhoneEvidence

    model_config = ConfigDict(json_schema_extra={"examples": [_LEAD]})


class FieldOut(BaseModel):
    """A field with its source: `quote` stands in message `message_id`, which is null once it was deleted."""

    name: str
    value: str
    confidence: float
    state: SlotState
    message_id: int | None
    user_id: int | None
    quote: str
    extracted_at: datetime


class StageOut(BaseModel):
    """A stage of the lead; the current stage has `exited_at` null."""

    stage: str
    entered_at: datetime
    exited_at: datetime | None


class ConsentOut(BaseModel):
    """A consent that the person was asked for, and the words that gave it."""

    kind: ConsentKind
    user_id: int
    asked_at: datetime
    given_at: datetime | None
    revoked_at: datetime | None
    message_id: int | None
    words: str


class DuplicateOut(BaseModel):
    """Another lead of the bot that has the same phone, mail address, or both."""

    lead_id: int
    shares: list[Literal["phone", "email"]]


class LeadDetail(LeadOut):
    """A lead with all that is known of it."""

    fields: list[FieldOut]
    stages: list[StageOut]
    consents: list[ConsentOut]
    possible_duplicates: list[DuplicateOut]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_LEAD,
                    "fields": [
                        {
                            "name": "people",
                            "value": "12",
                            "confidence": 0.93,
                            "state": "accepted",
                            "message_id": 91,
                            "user_id": 700000001,
                            "quote": "there are 12 of us",
                            "extracted_at": "2026-11-20T09:05:00Z",
                        }
                    ],
                    "stages": [{"stage": "discovery", "entered_at": "2026-11-20T09:01:00Z", "exited_at": None}],
                    "consents": [],
                    "possible_duplicates": [{"lead_id": 31, "shares": ["phone"]}],
                }
            ]
        }
    )


class NewLeadIn(StrictModel):
    """A person as a lead. If their Telegram user is already a lead, that lead takes over the values given here.

    Without `user_id` a phone, a mail address or another contact is required, and a new lead is created.
    """

    user_id: Annotated[
        Annotated[int, Strict(), Field(ge=1, lt=_TELEGRAM_IDS)] | None, Field(description="A Telegram user's id.")
    ] = None
    name: Name = ""
    contact: Annotated[ContactText, Field(description="A phone, a mail address, or both, in any writing.")] = ""
    phone: Annotated[ContactText, Field(description="A phone number, in any writing.")] = ""
    email: Annotated[ContactText, Field(description="A mail address.")] = ""
    source: Annotated[Short, Field(description="Source of the lead.")] = "api"
    bot: Annotated[
        str | None, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="The bot: `sales`, or else the first of all.")
    ] = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Anna", "phone": "8 (999) 123-45-67", "source": "website"},
                {"user_id": 700000001, "name": "Anna", "contact": "8 (999) 123-45-67, anna@example.org"},
            ]
        }
    )


class LeadIn(StrictModel):
    """Changes to a lead. Omitted fields and null stay unchanged, an empty text clears the field."""

    name: Name | None = None
    contact: ContactText | None = None
    phone: Annotated[ContactText | None, Field(description="A phone number, in any writing.")] = None
    email: Annotated[ContactText | None, Field(description="A mail address.")] = None
    status: LeadStatus | None = None
    stage: Short | None = None
    owner: Annotated[Name | None, Field(description="Person who works on the lead.")] = None
    notes: Notes | None = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "won", "owner": "Irina"}]})


class MergeIn(StrictModel):
    """The lead that becomes part of the one in the address."""

    lead_id: Annotated[int, Strict(), Field(ge=1, le=HIGHEST)]

    model_config = ConfigDict(json_schema_extra={"examples": [{"lead_id": 31}]})


class RevokeIn(StrictModel):
    """A consent that is taken back."""

    kind: ConsentKind

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "pdpa_profile"}]})


class LeadQuery(BaseModel):
    """Filter, order and page of a list of leads."""

    bot: Annotated[
        str | None,
        Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="Of this bot only.", examples=["sales"]),
    ] = None
    status: Annotated[LeadStatus | None, Field(description="With this status only.")] = None
    stage: Annotated[str | None, Field(max_length=64, description="In this stage only.", examples=["discovery"])] = None
    owner: Annotated[str | None, Field(max_length=200, description="Of this owner only.")] = None
    user_id: Annotated[
        int | None, Field(ge=1, le=HIGHEST, description="Of this Telegram user only.", examples=[700000001])
    ] = None
    q: Annotated[
        str | None,
        Field(max_length=200, description="Words or a phone in name, contact, fields or notes."),
    ] = None
    created_from: Annotated[Moment | None, Field(description="Created at this time or later.")] = None
    created_to: Annotated[Moment | None, Field(description="Created before this time.")] = None
    updated_from: Annotated[Moment | None, Field(description=_UPDATED_FROM)] = None
    updated_to: Annotated[Moment | None, Field(description="Last changed before this time.")] = None
    sort: Annotated[LeadSort, Field(description="Time to sort by; with a minus, latest first.")] = LeadSort.NEWEST
    limit: Annotated[int, Field(ge=1, le=500, description="Maximum number of items.")] = 100
    offset: Annotated[int, Field(ge=0, le=10_000, description="Number of items to skip; ignored with a cursor.")] = 0
    cursor: Annotated[str | None, Field(max_length=500, description="`next_cursor` of the previous page.")] = None

    def filter(self) -> LeadFilter:
        """Return the filter of the query."""
        return LeadFilter(
            self.bot,
            self.status,
            self.stage,
            self.owner,
            self.user_id,
            self.q or None,
            self.created_from,
            self.created_to,
            self.updated_from,
            self.updated_to,
        )
