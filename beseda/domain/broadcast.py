"""A broadcast: one message to many people in private, each at most once.

    draft ──► testing ──(continue)──► running ──► done
      │         │                       │  ▲  └──► stopped (too many block, or nothing arrives)
      │         └─────────┬─────────────┘  │
      │                paused ─────────────┘
      └── running, where no test is asked for; from everywhere that is not over ──► cancelled

A person is pending ──► sending ──► sent, blocked or failed; skipped where they opted out or blocked the bot meanwhile.
What is `sending` without a message's number when its process is dead is the one case where nobody knows whether
Telegram took it: it stays as it is, and is not sent again unless somebody asks for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ADMINS = "admins"  # the cohort that a broadcast is tried on: the bot's owners, or a number of people
LONGEST_TEXT = 3500  # characters of Markdown: what they become stays below a message's 4096
LONGEST_CAPTION = 900  # above a photo: its caption has 1024
MOST_RATE = 25.0  # messages a second: 30 are a bot's, and its answers need some (core.telegram.org/bots/faq)


class BroadcastState(StrEnum):
    """How far a broadcast has come."""

    DRAFT = "draft"
    TESTING = "testing"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is sent."""
        return self in {BroadcastState.DONE, BroadcastState.CANCELLED, BroadcastState.STOPPED}

    @property
    def sends(self) -> bool:
        """Whether messages go out."""
        return self in {BroadcastState.TESTING, BroadcastState.RUNNING}


class RecipientState(StrEnum):
    """What became of a broadcast for one person."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a broadcast is for: of all people who talked to the bot in private, those who fit every word said here.

    `languages` are of Telegram's codes the first part. Nobody who opted out or blocked the bot is ever among them.
    """

    languages: Sequence[str] = ()
    seen_since: datetime | None = None
    lead_statuses: Sequence[str] = ()
    lead_stages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BroadcastContent:
    """What is said: Markdown by language, and a button that leads to `url`."""

    texts: Mapping[str, str]
    button: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    def text(self, language: str) -> str:
        """Return the text for a reader; one who reads none of its languages gets the first."""
        return self.texts.get(language) or next(iter(self.texts.values()))

    def label(self, language: str) -> str:
        """Return the words on the button, empty where there is none."""
        return self.button.get(language) or next(iter(self.button.values()), "")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when until when nobody is to be disturbed, by the clock of the bot's time zone; may span midnight."""

    begin: time
    end: time

    def ends(self, now: datetime, zone: str) -> datetime | None:
        """Return when the quiet hours end that `now` is in; None outside of them."""
        local = now.astimezone(ZoneInfo(zone))
        clock = local.time()
        spans = self.begin > self.end
        quiet = clock >= self.begin or clock < self.end if spans else self.begin <= clock < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1) if spans and clock >= self.begin else local.date()
        end = datetime.combine(day, self.end, ZoneInfo(zone))
        # Where summer time ends within them, the hour that they end in comes twice.
        return (end if end.timestamp() > now.timestamp() else end.replace(fold=1)).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def read_quiet_hours(text: str) -> QuietHours | None:
    """Return quiet hours written like `22:00-09:00`, None for an empty text. Raises ValueError."""
    if not text:
        return None
    begin, end = (datetime.strptime(clock, "%H:%M").time() for clock in text.split("-", 1))  # noqa: DTZ007 - no day
    hours = QuietHours(begin, end)
    if hours.begin == hours.end:
        raise ValueError("quiet hours begin and end at the same time")
    return hours


@dataclass(frozen=True, slots=True)
class BroadcastPlan:
    """How a broadcast is sent: `rate` messages a second at most, first to the `cohort`, not in the quiet hours.

    A cohort is `ADMINS`, a number of people as text, or empty for none.
    """

    rate: float = MOST_RATE
    cohort: str = ""
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class NewBroadcast:
    """A broadcast as somebody writes it."""

    bot: str
    title: str
    content: BroadcastContent
    audience: Audience = Audience()
    plan: BroadcastPlan = BroadcastPlan()
    author: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people there are, and what became of them; `attempted` counts those that Telegram was asked for."""

    total: int = 0
    attempted: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def unsettled(self) -> int:
        """How many are on their way; when nobody sends any more: of how many nobody knows."""
        return self.attempted - self.sent - self.blocked - self.failed

    @property
    def pending(self) -> int:
        """How many are still to come."""
        return self.total - self.attempted - self.skipped


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A broadcast as the record has it.

    `approved` is false until the test is over. `gathered` says that everybody of its audience stands in the list of
    people. `run` counts the jobs that sent it, `version` its changes as a draft. `photo` is the type of its picture.
    """

    id: int
    bot: str
    title: str
    content: BroadcastContent
    audience: Audience
    plan: BroadcastPlan
    state: BroadcastState
    counts: Counts
    created_at: datetime
    author: str = ""
    reason: str = ""
    photo: str = ""
    version: int = 1
    run: int = 0
    approved: bool = False
    gathered: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    resumes_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether the test is over, and somebody has to say that it goes on."""
        return self.state is BroadcastState.TESTING and self.counts.pending == 0 and self.counts.unsettled == 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a broadcast; `language` is Telegram's code."""

    user_id: int
    state: RecipientState
    language: str = ""
    message_id: int | None = None
    reason: str = ""
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BroadcastFilter:
    """Which broadcasts of a list."""

    bot: str | None = None
    state: BroadcastState | None = None


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a broadcast does more harm than good: `share` of the last `window` people, and `least` of them, block."""

    share: float = 0.05
    least: int = 20
    window: int = 200

    def judge(self, outcomes: Sequence[RecipientState]) -> str:
        """Return why a broadcast must stop after its last outcomes; empty where it may go on."""
        recent = outcomes[-self.window :]
        blocked = sum(one is RecipientState.BLOCKED for one in recent)
        if blocked >= max(self.least, self.share * len(recent)):
            return f"blocked by {blocked} of the last {len(recent)}"
        failed = sum(one is RecipientState.FAILED for one in recent)
        if failed >= max(self.least, len(recent) / 2):
            return f"refused for {failed} of the last {len(recent)}"
        return ""
