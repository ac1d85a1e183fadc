"""Broadcasts as the API reads and shows them."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, Strict, model_validator

from beseda.core.time_zones import read_quiet_hours
from beseda.features.broadcasts.model import (
    LONGEST_TEXT,
    MOST_RATE,
    Audience,
    Broadcast,
    BroadcastContent,
    BroadcastPlan,
    BroadcastState,
    Recipient,
    RecipientState,
)
from beseda.web.fields import Language, Line, Moment, StrictModel

_MOST_TESTERS = 1000
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_EXAMPLE: dict[str, JsonValue] = {
    "id": 3,
    "bot": "sales",
    "title": "November news",
    "texts": {"ru": "**Новости** ноября", "en": "**News** of November"},
    "button": {"labels": {"ru": "Читать", "en": "Read"}, "url": "https://example.org/news"},
    "audience": {"languages": ["ru"], "seen_since": None, "lead_statuses": ["active"], "lead_stages": []},
    "rate": 25.0,
    "cohort": "admins",
    "quiet_hours": "22:00-09:00",
    "photo": None,
    "state": "running",
    "waits": False,
    "reason": "",
    "counts": {
        "total": 1200,
        "pending": 700,
        "sent": 490,
        "blocked": 6,
        "failed": 1,
        "skipped": 1,
        "unsettled": 2,
    },
    "author": "crm",
    "version": 1,
    "created_at": "2026-11-20T09:00:00Z",
    "started_at": "2026-11-20T09:10:00Z",
    "finished_at": None,
    "resumes_at": None,
}


def _check_text(text: str) -> str:
    if "\0" in text or not text.strip():
        raise ValueError("a text has words, and no NUL")
    return text


def _check_quiet(text: str) -> str:
    read_quiet_hours(text)
    return text


Said = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_check_text)]
Texts = Annotated[
    dict[Language, Said],
    Field(min_length=1, description="Markdown by language.", examples=[{"ru": "**Новости**", "en": "**News**"}]),
]
Label = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_check_text)]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=2000, examples=["https://example.org/news"])]
Code = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", examples=["ru"])]
Rate = Annotated[float, Field(ge=0.1, le=MOST_RATE, description="Maximum of messages per second.", examples=[25])]
Cohort = Annotated[
    Literal["admins"] | Annotated[int, Strict(), Field(ge=1, le=_MOST_TESTERS)] | None,
    Field(description="Recipients of the test: the owners (`ADMIN_IDS`), or a number of people; null for no test."),
]
Quiet = Annotated[
    str,
    Field(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$",
        description="Hours without messages in the bot's time zone; empty for none.",
        examples=["22:00-09:00"],
    ),
    AfterValidator(_check_quiet),
]


class ButtonIn(StrictModel):
    """A button under the text that leads somewhere."""

    labels: Annotated[dict[Language, Label], Field(min_length=1, examples=[{"ru": "Читать", "en": "Read"}])]
    url: Url


class AudienceIn(StrictModel):
    """All people that talked to the bot in private and match every criterion given here. An empty list matches all."""

    languages: list[Code] = Field(
        default_factory=list, max_length=50, description="Telegram's codes, their first part."
    )
    seen_since: Annotated[Moment | None, Field(description="People that wrote to any bot since this time.")] = None
    lead_statuses: list[Literal["active", "won", "lost"]] = Field(default_factory=list, max_length=3)
    lead_stages: list[Line] = Field(default_factory=list, max_length=50, examples=[["discovery"]])

    def to_audience(self) -> Audience:
        """Return it as the program uses it."""
        return Audience(tuple(self.languages), self.seen_since, tuple(self.lead_statuses), tuple(self.lead_stages))


class BroadcastIn(StrictModel):
    """The texts of a broadcast, its audience, and options for sending. Settings replace options that are omitted."""

    bot: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", examples=["sales"])]
    title: Annotated[Line, Field(description="For you only.", examples=["November news"])]
    texts: Texts
    button: ButtonIn | None = None
    audience: AudienceIn = AudienceIn()
    rate: Rate | None = None
    cohort: Cohort = None
    quiet_hours: Quiet | None = None

    def to_content(self) -> BroadcastContent:
        """Return the words."""
        return make_content(_as_texts(self.texts), self.button)

    def to_plan(self, default: BroadcastPlan) -> BroadcastPlan:
        """Return how it is sent."""
        quiet = default.quiet if self.quiet_hours is None else read_quiet_hours(self.quiet_hours)
        return BroadcastPlan(self.rate or default.rate, write_cohort(self.cohort), quiet)


class BroadcastChange(StrictModel):
    """Changes to a draft; omitted fields stay unchanged."""

    title: Annotated[Line | None, Field(examples=["November news"])] = None
    texts: Texts | None = None
    button: ButtonIn | None = None
    audience: AudienceIn | None = None
    rate: Rate | None = None
    cohort: Cohort = None
    quiet_hours: Quiet | None = None

    @model_validator(mode="after")
    def change_something(self) -> "BroadcastChange":
        """Refuse a change of nothing."""
        if not self.model_fields_set:
            raise ValueError("nothing is to change")
        return self

    def apply(self, draft: Broadcast) -> Mapping[str, Any]:
        """Return the fields of a draft that change."""
        given = self.model_fields_set
        texts: Mapping[str, str] = draft.content.texts if self.texts is None else _as_texts(self.texts)
        kept = BroadcastContent(texts, draft.content.button, draft.content.url)
        content = make_content(texts, self.button) if "button" in given else kept
        plan = draft.plan
        quiet = plan.quiet if self.quiet_hours is None else read_quiet_hours(self.quiet_hours)
        cohort = write_cohort(self.cohort) if "cohort" in given else plan.cohort
        return {
            "title": self.title or draft.title,
            "content": content,
            "audience": self.audience.to_audience() if self.audience else draft.audience,
            "plan": BroadcastPlan(self.rate or plan.rate, cohort, quiet),
        }


class PhotoIn(StrictModel):
    """A photo: a JPEG or a PNG, as base64."""

    content: Annotated[
        str, Field(min_length=4, max_length=14_000_000, pattern=r"^[A-Za-z0-9+/]+={0,2}$", examples=["iVBORw0KGgo="])
    ]

    def read(self) -> tuple[bytes, str]:
        """Return its bytes and its media type; the type is empty if the photo is neither JPEG nor PNG."""
        try:
            content = base64.b64decode(self.content, validate=True)
        except binascii.Error:
            return b"", ""
        return content, next((kind for head, kind in _KINDS.items() if content.startswith(head)), "")


class ResumeIn(StrictModel):
    """Options for resuming: `retry_unknown` sends again if the result of the first attempt is unknown."""

    retry_unknown: Annotated[bool, Strict()] = False


class CountsOut(BaseModel):
    """Number of recipients by result. The result of `unsettled` ones is unknown, unless they are being sent to right
    now.
    """

    total: int
    pending: int
    sent: int
    blocked: int
    failed: int
    skipped: int
    unsettled: int


class ButtonOut(BaseModel):
    """A button that leads somewhere."""

    labels: dict[str, str]
    url: str


class AudienceOut(BaseModel):
    """The audience of a broadcast."""

    languages: list[str]
    seen_since: datetime | None
    lead_statuses: list[str]
    lead_stages: list[str]


class BroadcastOut(BaseModel):
    """A broadcast. `waits`: the test is over, and the broadcast waits for `continue`."""

    id: int
    bot: str
    title: str
    texts: dict[str, str]
    button: ButtonOut | None
    audience: AudienceOut
    rate: float
    cohort: str | int | None
    quiet_hours: str
    photo: str | None
    state: BroadcastState
    waits: bool
    reason: str
    counts: CountsOut
    author: str
    version: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    resumes_at: datetime | None

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


class RecipientOut(BaseModel):
    """One person of a broadcast."""

    user_id: int
    state: RecipientState
    message_id: int | None
    reason: str
    settled_at: datetime | None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": 700000001,
                    "state": "sent",
                    "message_id": 91,
                    "reason": "",
                    "settled_at": "2026-11-20T09:11:00Z",
                }
            ]
        }
    )


class PeopleOut(BaseModel):
    """How many people a broadcast would go to, as of now."""

    people: int = Field(examples=[1200])


def make_content(texts: Mapping[str, str], button: ButtonIn | None) -> BroadcastContent:
    """Return the words of a broadcast."""
    return BroadcastContent(texts) if button is None else BroadcastContent(texts, _as_texts(button.labels), button.url)


def _as_texts(texts: Mapping[Language, str]) -> Mapping[str, str]:
    return {str(language): text for language, text in texts.items()}


def write_cohort(cohort: str | int | None) -> str:
    """Return a cohort as a plan has it."""
    return "" if cohort is None else str(cohort)


def show_broadcast(broadcast: Broadcast) -> dict[str, Any]:
    """Return a broadcast as the API shows it."""
    content, plan, counts = broadcast.content, broadcast.plan, broadcast.counts
    return {
        "id": broadcast.id,
        "bot": broadcast.bot,
        "title": broadcast.title,
        "texts": content.texts,
        "button": {"labels": content.button, "url": content.url} if content.url else None,
        "audience": asdict(broadcast.audience),
        "rate": plan.rate,
        "cohort": int(plan.cohort) if plan.cohort.isdigit() else plan.cohort or None,
        "quiet_hours": str(plan.quiet or ""),
        "photo": broadcast.photo or None,
        "state": broadcast.state.value,
        "waits": broadcast.waits,
        "reason": broadcast.reason,
        "counts": {
            "total": counts.total,
            "pending": counts.pending,
            "sent": counts.sent,
            "blocked": counts.blocked,
            "failed": counts.failed,
            "skipped": counts.skipped,
            "unsettled": counts.unsettled,
        },
        "author": broadcast.author,
        "version": broadcast.version,
        "created_at": broadcast.created_at,
        "started_at": broadcast.started_at,
        "finished_at": broadcast.finished_at,
        "resumes_at": broadcast.resumes_at,
    }


def show_recipient(recipient: Recipient) -> dict[str, Any]:
    """Return a person of a broadcast as the API shows them."""
    return {
        "user_id": recipient.user_id,
        "state": recipient.state.value,
        "message_id": recipient.message_id,
        "reason": recipient.reason,
        "settled_at": recipient.settled_at,
    }
