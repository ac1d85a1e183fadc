"""Budgets: limits per day on tokens, speech and pictures, for a person, a group, a bot and the whole program.

    reserve (before the call) ──► settle (with the actual use)
        └── expires: its process died, and the reserved amount is free again

A day is a day in the bot's time zone; for `total` it is a day in the program's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

STEP_DOWN = 0.8  # of a limit: from here on a cheaper model answers
ANSWER = 2048  # tokens reserved for an answer of a bot that sets no `max_tokens`


class Unit(StrEnum):
    """The unit of a budget: tokens read and written, seconds of speech, pictures."""

    TOKENS = "tokens"
    SPEECH = "speech"
    PICTURES = "pictures"


class BudgetScope(StrEnum):
    """The scope of a limit: a person with one bot, a group with one bot, a bot, the program."""

    USER = "user"
    GROUP = "group"
    BOT = "bot"
    TOTAL = "total"


# The least that is worth a call: below it a budget counts as used up.
LEAST: Mapping[Unit, int] = {Unit.TOKENS: 64, Unit.SPEECH: 1, Unit.PICTURES: 1}
# How long a call may take before its reservation is taken for that of a process that died.
LIFETIME: Mapping[Unit, timedelta] = {
    Unit.TOKENS: timedelta(minutes=15),
    Unit.SPEECH: timedelta(hours=2),
    Unit.PICTURES: timedelta(hours=1),
}

Limits = Mapping[tuple[BudgetScope, Unit], int]


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """Differences of a bot's folder from the settings: a limit of 0 means no limit, None keeps the cheaper model."""

    limits: Limits = field(default_factory=dict)
    cheaper_model: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """The limits of a day; without an entry there is no limit. `cheaper_model` is a spec, `zone` an IANA name."""

    limits: Limits = field(default_factory=dict)
    cheaper_model: str = ""
    zone: str = "UTC"

    def limits_anything(self, unit: Unit | None = None) -> bool:
        """Return whether there is any limit, or one on this unit."""
        return any(limit > 0 and (unit is None or unit is kind) for (_, kind), limit in self.limits.items())

    def change(self, change: BudgetChange, zone: str = "") -> "BudgetRules":
        """Return the rules of a bot: these rules, overridden by those of its folder."""
        cheaper = self.cheaper_model if change.cheaper_model is None else change.cheaper_model
        limits = {**self.limits, **change.limits}
        return BudgetRules({key: limit for key, limit in limits.items() if limit}, cheaper, zone or self.zone)


@dataclass(frozen=True, slots=True)
class Account:
    """One limit of one day on one unit. `subject` is the id of the person or the group, 0 for bot and total."""

    scope: BudgetScope
    bot: str
    subject: int
    unit: Unit
    day: date
    limit: int


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """How an account stands: `held` is reserved by calls that are under way."""

    account: Account
    used: int = 0
    held: int = 0

    @property
    def left(self) -> int:
        """How much may still be reserved; never below 0."""
        return max(0, self.account.limit - self.used - self.held)

    @property
    def share(self) -> float:
        """How much of the limit is taken, 1.0 being all of it."""
        return (self.used + self.held) / self.account.limit


@dataclass(frozen=True, slots=True)
class Spend:
    """The expected use of a call: `wanted`, or at least `least` of it if no more is left.

    `key` is the idempotency key of the call, the same after a crash: a second reservation with it replaces the first.
    """

    bot: str
    user_id: int
    group_id: int | None
    unit: Unit
    wanted: int
    least: int
    key: str


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """A reservation as the store is asked for it: of all accounts, or of none."""

    id: str
    unit: Unit
    wanted: int
    least: int
    accounts: Sequence[Account]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """The reserved amount.

    `share` is the highest share of a limit in use before this reservation. `refused` is the account that had no room.
    """

    amount: int
    share: float
    refused: BudgetStatus | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The amount that may be used. Without an `id` nothing is limited and nothing is counted.

    `cheaper` is true if 80 % of a limit or more are in use.
    """

    id: str
    amount: int
    cheaper: bool = False


def list_accounts(spend: Spend, rules: BudgetRules, now: datetime, total_zone: str) -> list[Account]:
    """Return the accounts that a spend is limited by, in the order in which they are locked."""
    subjects: dict[BudgetScope, tuple[str, int] | None] = {
        BudgetScope.TOTAL: ("", 0),
        BudgetScope.BOT: (spend.bot, 0),
        BudgetScope.GROUP: (spend.bot, spend.group_id) if spend.group_id is not None else None,
        BudgetScope.USER: (spend.bot, spend.user_id) if spend.user_id else None,
    }
    accounts = []
    for scope, subject in subjects.items():
        limit = rules.limits.get((scope, spend.unit), 0)
        if subject is not None and limit > 0:
            day = find_day(now, total_zone if scope is BudgetScope.TOTAL else rules.zone)
            accounts.append(Account(scope, *subject, spend.unit, day, limit))
    return accounts


_WORDS = {"tokens": (Unit.TOKENS, 1), "speech_minutes": (Unit.SPEECH, 60), "pictures": (Unit.PICTURES, 1)}


def read_limits(amounts: Mapping[str, int]) -> Limits:
    """Return limits written like `user_tokens` or `bot_speech_minutes`."""
    limits = {}
    for name, amount in amounts.items():
        scope, _, what = name.partition("_")
        unit, seconds = _WORDS[what]
        limits[BudgetScope(scope), unit] = amount * seconds
    return limits


def find_day(now: datetime, zone: str) -> date:
    """Return the day it is in a time zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def find_renewal(now: datetime, zone: str) -> float:
    """Return the seconds until the next day begins in a time zone."""
    place = ZoneInfo(zone)
    tomorrow = datetime.combine(find_day(now, zone) + timedelta(days=1), time.min, place)
    # Two times of one zone are subtracted by the clock on the wall, which summer time moves: these are not.
    return tomorrow.timestamp() - now.timestamp()
