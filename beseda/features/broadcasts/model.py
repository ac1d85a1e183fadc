"""A broadcast: one message to many people in private, each at most once.

    draft ──► testing ──(continue)──► running ──► done
      │         │                       │  ▲  └──► stopped (too many block, or nothing arrives)
      │         └─────────┬─────────────┘  │
      │                paused ─────────────┘
      └── running, if no test is requested; from every state that is not final ──► cancelled

A person is pending ──► sending ──► sent, blocked or failed; skipped if they opted out or blocked the bot meanwhile. A
recipient that is `sending` without a message id after the death of its process is the only case with an unknown
outcome: Telegram may have accepted the message. It stays as it is, and the message is sent again only on request
(`retry_unknown`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from beseda.core.time_zones import QuietHours

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
    """The state of a broadcast for one person."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Audience:
    """The recipients of a broadcast: the bot's people in private chats that meet all these conditions.

    `languages` are the first parts of Telegram's language codes. People that opted out or blocked the bot are never
    included.
    """

    languages: Sequence[str] = ()
    seen_since: datetime | None = None
    lead_statuses: Sequence[str] = ()
    lead_stages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BroadcastContent:
    """The message of a broadcast: Markdown by language, and a button that opens `url`."""

    texts: Mapping[str, str]
    button: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    def text(self, language: str) -> str:
        """Return the text in `language`, or the first text if there is none in it."""
        return self.texts.get(language) or next(iter(self.texts.values()))

    def label(self, language: str) -> str:
        """Return the label of the button in `language` or the first one; empty if there is no button."""
        return self.button.get(language) or next(iter(self.button.values()), "")


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
    """A broadcast as its author writes it."""

    bot: str
    title: str
    content: BroadcastContent
    audience: Audience = Audience()
    plan: BroadcastPlan = BroadcastPlan()
    author: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of recipients, in all and by state; `attempted` counts those with a call to Telegram."""

    total: int = 0
    attempted: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def unsettled(self) -> int:
        """The number of messages under way. After the end of sending, their outcome is unknown."""
        return self.attempted - self.sent - self.blocked - self.failed

    @property
    def pending(self) -> int:
        """How many are still to come."""
        return self.total - self.attempted - self.skipped


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A broadcast as stored in the database.

    `approved` is false until the test is over. `gathered` is true once all people of the audience are stored as
    recipients. `run` counts the jobs that sent it, `version` its changes as a draft. `photo` is the type of its
    picture.
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
        """Whether the test is over, and the broadcast waits for the command to continue."""
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
        """Return the reason to stop a broadcast after its last outcomes, or an empty string if it may continue."""
        recent = outcomes[-self.window :]
        blocked = sum(one is RecipientState.BLOCKED for one in recent)
        if blocked >= max(self.least, self.share * len(recent)):
            return f"blocked by {blocked} of the last {len(recent)}"
        failed = sum(one is RecipientState.FAILED for one in recent)
        if failed >= max(self.least, len(recent) / 2):
            return f"refused for {failed} of the last {len(recent)}"
        return ""
