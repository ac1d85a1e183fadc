"""Budgets: the cost of a call is reserved before it and settled after it.

The payer is known at the start of an event or a job, but calls are made far below: in a model that wraps another model,
in a recogniser, in a photo enhancer. The code in between has no access to the user. Therefore the payer is a context
variable: `paying` sets it for a block, and every task that the block starts inherits it.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

from beseda.core.clock import Clock
from beseda.core.errors import BudgetExhaustedError, StorageError
from beseda.core.ids import new_id
from beseda.engine.usage.budget import (
    LEAST,
    LIFETIME,
    STEP_DOWN,
    BudgetChange,
    BudgetRules,
    BudgetScope,
    BudgetStatus,
    Reservation,
    ReservationRequest,
    Spend,
    Unit,
    find_renewal,
    list_accounts,
)
from beseda.engine.usage.repository import BudgetRepository

log = logging.getLogger(__name__)

_QUIET = timedelta(hours=1)  # between two notices of one kind to one person
_QUIET_WHILE_SOME_IS_LEFT = timedelta(minutes=5)  # a shorter question may do; the next long one hears why not
_KEPT = timedelta(days=2)  # how long counters and what was reserved stay: by then it is tomorrow in every zone
_PIECE = 2000  # rows deleted at once
_UNLIMITED = Reservation("", 0)


class BudgetService:
    """Reserves and settles, for all bots of a process."""

    def __init__(self, store: BudgetRepository, clock: Clock, rules: BudgetRules | None = None) -> None:
        """`rules` are the defaults, used unless a bot has its own rules."""
        self._store = store
        self._clock = clock
        self._rules = rules or BudgetRules()
        self._by_bot: dict[str, BudgetRules] = {}

    def adopt(self, bot: str, change: BudgetChange, zone: str = "") -> BudgetRules:
        """Apply a bot's own budget settings and return its resulting rules."""
        self._by_bot[bot] = self._rules.change(change, zone)
        return self._by_bot[bot]

    def rules_of(self, bot: str) -> BudgetRules:
        """Return the rules of a bot."""
        return self._by_bot.get(bot, self._rules)

    async def reserve(self, spend: Spend) -> Reservation:
        """Reserve the expected cost of a call before it is made.

        Raises BudgetExhaustedError if less than the minimum is left; it is `silent` if the user was notified recently.
        Raises StorageError.
        """
        now, rules = self._clock.now(), self.rules_of(spend.bot)
        accounts = list_accounts(spend, rules, now, self._rules.zone)
        if not accounts:
            return replace(_UNLIMITED, amount=spend.wanted)
        claim = ReservationRequest(
            spend.key, spend.unit, spend.wanted, spend.least, accounts, now + LIFETIME[spend.unit]
        )
        grant = await self._store.reserve(claim)
        if grant.refused is not None:
            raise await self._refuse(spend, grant.refused)
        return Reservation(spend.key, grant.amount, cheaper=grant.share >= STEP_DOWN)

    async def settle(self, reservation: Reservation, used: int) -> None:
        """Settle a reservation with the amount used. A storage failure is only logged: the call is already made."""
        if not reservation.id:
            return
        try:
            await asyncio.shield(self._store.settle(reservation.id, max(0, used)))
        except StorageError as error:  # what it holds is free again when it expires
            log.warning("%d of %s are not counted: %s", used, reservation.id, error.detail)

    async def statuses(self, bot: str, user_id: int, group_id: int | None = None) -> list[BudgetStatus]:
        """Return how everything stands that limits a person in a place, in the order of units. Raises StorageError."""
        now, rules = self._clock.now(), self.rules_of(bot)
        spends = [Spend(bot, user_id, group_id, unit, 0, 0, "") for unit in Unit]
        accounts = [one for spend in spends for one in list_accounts(spend, rules, now, self._rules.zone)]
        return await self._store.statuses(accounts)

    def renewal(self, bot: str, scope: BudgetScope = BudgetScope.USER) -> float:
        """Return the seconds until a new day of a bot, or of the program, begins."""
        zone = self._rules.zone if scope is BudgetScope.TOTAL else self.rules_of(bot).zone
        return find_renewal(self._clock.now(), zone)

    async def _refuse(self, spend: Spend, status: BudgetStatus) -> BudgetExhaustedError:
        account, left = status.account, status.left
        detail = f"{account.scope} of {spend.bot}: {left} of {account.limit} {account.unit} left, {spend.least} needed"
        error = BudgetExhaustedError(detail, retry_after=self.renewal(spend.bot, account.scope))
        log.info("%s", detail)
        used_up = left < LEAST[spend.unit]
        # A recording or a photo that is too much is told of each time: a smaller one is welcome. Questions of one chat
        # are as long as each other, for all of them carry what was said before.
        if used_up or spend.unit is Unit.TOKENS:
            who = f"{spend.bot}:{spend.group_id or 0}:{spend.user_id}:{spend.unit}"
            quiet = _QUIET if used_up else _QUIET_WHILE_SOME_IS_LEFT
            error.silent = not await self._store.note_refusal(who, spend.key.partition("/")[0], quiet)
        return error

    async def tidy(self) -> int:
        """Delete old rows in batches and return their number. Raises StorageError."""
        before, gone = self._clock.now() - _KEPT, 0
        while (piece := await self._store.purge(before, limit=_PIECE)) > 0:
            gone += piece
        return gone


@dataclass(slots=True)
class Payer:
    """The account that is charged for calls.

    `key` names the cause of the calls, the same after a crash: an update, or an attempt at a job. The calls of one
    cause are numbered in the order in which they are made. A cause without a key gets a unique one, because concurrent
    calls would otherwise share a reservation.
    """

    budgets: BudgetService
    bot: str
    user_id: int = 0
    group_id: int | None = None
    key: str = ""
    _cause: str = field(init=False)
    _numbers: "count[int]" = field(default_factory=count, init=False)

    def __post_init__(self) -> None:
        self._cause = self.key or f"nobody-{new_id()}"

    def spend(self, unit: Unit, wanted: int, least: int) -> Spend:
        """Return the next call's spend."""
        key = f"{self.bot}:{self._cause}/{unit}:{next(self._numbers)}"
        return Spend(self.bot, self.user_id, self.group_id, unit, wanted, least, key)


_payer: ContextVar[Payer | None] = ContextVar("payer", default=None)


def current_payer() -> Payer | None:
    """Return the payer of the current context, or None if calls are not charged."""
    return _payer.get()


@contextmanager
def paying(payer: Payer) -> Generator[None, None, None]:
    """Charge `payer` for calls in the block and in the tasks that it starts."""
    token = _payer.set(payer)
    try:
        yield
    finally:
        _payer.reset(token)


@dataclass(slots=True)
class Spent:
    """The amount that a block has used: by default the whole reservation."""

    used: int


@asynccontextmanager
async def spending(unit: Unit, amount: float) -> AsyncGenerator[Spent, None]:
    """Reserve all of `amount` for the block and settle after it; a block that fails has used nothing.

    Raises BudgetExhaustedError and StorageError before it begins.
    """
    payer, whole = current_payer(), math.ceil(amount)
    spent = Spent(whole)
    if payer is None or not payer.budgets.rules_of(payer.bot).limits_anything(unit):
        yield spent
        return
    reservation = await payer.budgets.reserve(payer.spend(unit, whole, whole))
    done = False
    try:
        yield spent
        done = True
    finally:
        await payer.budgets.settle(reservation, spent.used if done else 0)


async def ensure_left(unit: Unit) -> None:
    """Raise BudgetExhaustedError if the payer has nothing left of a unit.

    Used before several calls for one answer. Raises StorageError.
    """
    payer = current_payer()
    if payer is not None and payer.budgets.rules_of(payer.bot).limits_anything(unit):
        reservation = await payer.budgets.reserve(payer.spend(unit, LEAST[unit], LEAST[unit]))
        await payer.budgets.settle(reservation, 0)
