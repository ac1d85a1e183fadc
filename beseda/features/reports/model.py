"""A report: figures and lists of a period as a file that people open, print and send on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from beseda.features.analytics.model import Period


class ReportKind(StrEnum):
    """The subject of a report."""

    OVERVIEW = "overview"
    LEADS = "leads"
    CONVERSATIONS = "conversations"
    COSTS = "costs"


class ReportFormat(StrEnum):
    """The file format of a report."""

    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


class ReportState(StrEnum):
    """How far a report has come: its file is there once it is ready."""

    QUEUED = "queued"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report that is asked for, in a `language` that there are texts in."""

    kind: ReportKind
    format: ReportFormat
    period: Period
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the record has it; `reason` is the name of the error that failed it, `size` is in bytes."""

    id: int
    new: NewReport
    state: ReportState
    created_at: datetime
    reason: str = ""
    size: int = 0
    finished_at: datetime | None = None

    @property
    def file_name(self) -> str:
        """Return the name of its file in the program's folder; it contains no input of users."""
        return f"{self.id}.{self.new.format}"

    @property
    def title(self) -> str:
        """Return the name to save it under."""
        period = self.new.period
        parts = ["beseda", self.new.kind.value, period.bot, f"{period.since:%Y-%m-%d}", f"{period.until:%Y-%m-%d}"]
        return "-".join(filter(None, parts)) + f".{self.new.format}"


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead as a line of a report."""

    id: int
    bot: str
    created_at: datetime
    updated_at: datetime
    name: str
    contact: str
    phone: str
    email: str
    source: str
    status: str
    stage: str
    owner: str
    fit_score: int
    notes: str
    user_id: int | None
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as a line of a report; its figures are None until they have been aggregated."""

    id: int
    bot: str
    created_at: datetime
    kind: str
    title: str
    user_id: int
    user_name: str
    username: str
    messages: int | None
    days: int | None


@dataclass(frozen=True, slots=True)
class CostRow:
    """The calls of one model on one day; `cost` is in US dollars, of the calls with a cost reported by the endpoint."""

    day: datetime
    bot: str
    endpoint: str
    model: str
    calls: int
    failures: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
