"""What a day has: reserved, settled, stepped down, refused, renewed."""

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beseda.domain.budget import BudgetChange, BudgetRules, Scope, Spend, Unit, find_renewal, is_zone, read_limits
from beseda.domain.message import Message, Role
from beseda.domain.usage import Usage
from beseda.errors import BudgetExhaustedError, UnavailableError
from beseda.llm.base import ModelRequest
from beseda.llm.failover import FailoverModel
from beseda.services.budget import BudgetService, Payer, ensure_left, paying, spending
from beseda.services.budgeted import BudgetedModel, budget_models
from beseda.storage.sql import migrate
from beseda.storage.sql.budget import SqlBudgetRepository
from beseda.storage.sql.database import Database
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REQUEST = ModelRequest([Message(Role.USER, "one two three")])
ANSWER = ScriptedAnswer(pieces=("yes",), usage=Usage(40, 10))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON, instant=True)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqlBudgetRepository]:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await migrate.upgrade(url)
    database = await Database.open(url)
    yield SqlBudgetRepository(database, clock)
    await database.close()


def build(store: SqlBudgetRepository, clock: ManualClock, **limits: int) -> BudgetService:
    return BudgetService(store, clock, BudgetRules(read_limits(limits), "cheap:one"))


async def used(budgets: BudgetService, bot: str = "assistant") -> int:
    return (await budgets.standings(bot, 7))[0].used


async def hear(model: BudgetedModel, budgets: BudgetService, key: str = "1") -> None:
    with paying(Payer(budgets, "assistant", 7, key=key)):
        async with aclosing(model.stream(REQUEST)) as events:
            async for _ in events:
                pass


def budgeted(budgets: BudgetService, *script: ScriptedAnswer, cheap: ScriptedModel | None = None) -> BudgetedModel:
    async def find(spec: str) -> ScriptedModel:
        assert spec == "cheap:one"
        assert cheap is not None
        return cheap

    return BudgetedModel(ScriptedModel(script), find, budgets, "assistant")


async def test_call_is_settled_with_what_the_server_counted(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await hear(budgeted(budgets, ANSWER), budgets)
    [standing] = await budgets.standings("assistant", 7)
    assert (standing.used, standing.held, standing.left) == (50, 0, 950)


async def test_failure_before_the_first_word_costs_nothing(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    with suppress(UnavailableError):
        await hear(budgeted(budgets, ScriptedAnswer(error=UnavailableError("down"))), budgets)
    assert await used(budgets) == 0


async def test_answer_that_breaks_off_is_estimated(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    broken = ScriptedAnswer(pieces=("some words of it",), error=UnavailableError("down"))
    with suppress(UnavailableError):
        await hear(budgeted(budgets, broken), budgets)
    assert 5 < await used(budgets) < 15


async def test_failover_is_settled_with_who_answered(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    first = ScriptedModel(fallback=UnavailableError("down"), name="scripted:first")
    failover = FailoverModel([first, ScriptedModel([ANSWER])], clock)

    async def find(_: str) -> FailoverModel:
        return failover

    await hear(BudgetedModel(failover, find, budgets, "assistant"), budgets)
    assert await used(budgets) == 50


async def test_cheaper_model_answers_from_80_percent_on(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    cheap = ScriptedModel([ANSWER], name="cheap:one")
    most = ScriptedAnswer(pieces=("yes",), usage=Usage(790, 9))
    model = budgeted(budgets, most, ScriptedAnswer(pieces=("yes",), usage=Usage(1, 0)), cheap=cheap)
    await hear(model, budgets, "1")
    await hear(model, budgets, "2")
    assert cheap.requests == []
    await hear(model, budgets, "3")
    [request] = cheap.requests
    assert request.max_tokens is not None
    assert request.max_tokens < 200
    assert await used(budgets) == 850


async def test_used_up_budget_is_refused_until_tomorrow(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=100)
    model = budgeted(budgets, ScriptedAnswer(pieces=("yes",), usage=Usage(100, 5)), ANSWER)
    await hear(model, budgets)
    with pytest.raises(BudgetExhaustedError) as caught:
        await hear(model, budgets, "2")
    assert (caught.value.retry_after, caught.value.silent, caught.value.retryable) == (12 * 3600, False, False)
    assert "12 ч 0 мин" in caught.value.say("ru")
    assert "12 h 0 min" in caught.value.say("en")
    with pytest.raises(BudgetExhaustedError) as caught:
        await hear(model, budgets, "3")
    assert caught.value.silent
    clock.shift(12 * 3600)
    await hear(model, budgets, "4")
    assert await used(budgets) == 50


async def test_question_after_question_that_is_too_long_is_told_once(
    store: SqlBudgetRepository, clock: ManualClock
) -> None:
    budgets = build(store, clock, user_tokens=500)
    silent = []
    for number in range(3):
        with pytest.raises(BudgetExhaustedError) as caught:
            await budgets.reserve(Payer(budgets, "assistant", 7, key=str(number)).spend(Unit.TOKENS, 3000, 900))
        silent.append(caught.value.silent)
        clock.shift(150)
    assert silent == [False, True, False]


async def test_day_is_that_of_the_bot_s_zone(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=100)
    budgets.adopt("assistant", BudgetChange(), "Asia/Vladivostok")
    assert budgets.renewal("assistant") == 2 * 3600
    assert budgets.renewal("assistant", Scope.TOTAL) == 12 * 3600


def test_day_of_summer_time_is_shorter() -> None:
    assert find_renewal(datetime(2026, 3, 28, 23, tzinfo=UTC), "Europe/Berlin") == 23 * 3600


@pytest.mark.parametrize(
    ("name", "known"), [("Europe/Moscow", True), ("Europe", False), ("../etc", False), ("", False)]
)
def test_zone_is_known(name: str, known: bool) -> None:
    assert is_zone(name) is known


async def test_without_a_limit_nothing_is_wrapped_or_stored(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_pictures=3)

    async def find(_: str) -> ScriptedModel:
        return ScriptedModel()

    assert budget_models(find, budgets, "assistant") is find
    reservation = await budgets.reserve(Spend("assistant", 7, None, Unit.TOKENS, 5, 5, "k"))
    assert (reservation.id, reservation.amount) == ("", 5)


async def test_folder_s_word_stands_above_the_settings(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=100, bot_tokens=200)
    rules = budgets.adopt("llama", BudgetChange(read_limits({"user_tokens": 0}), ""))
    assert not rules.cheaper_model
    [standing] = await budgets.standings("llama", 7)
    assert (standing.account.scope, standing.account.limit) == (Scope.BOT, 200)


async def test_group_and_its_people_have_limits_of_their_own(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_speech_minutes=1, group_speech_minutes=1)
    with paying(Payer(budgets, "assistant", 7, -5, "1")):
        async with spending(Unit.SPEECH, 40.2):
            pass
    standings = await budgets.standings("assistant", 8, -5)
    assert [(s.account.scope, s.used) for s in standings] == [(Scope.GROUP, 41), (Scope.USER, 0)]
    with paying(Payer(budgets, "assistant", 8, -5, "2")):
        with pytest.raises(BudgetExhaustedError) as caught:
            async with spending(Unit.SPEECH, 20):
                pass
        async with spending(Unit.SPEECH, 19):
            pass
    assert not caught.value.silent


async def test_block_that_fails_has_used_nothing(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_pictures=1)
    with paying(Payer(budgets, "assistant", 7, key="1")):
        with suppress(UnavailableError):
            async with spending(Unit.PICTURES, 1):
                raise UnavailableError("down")
        await ensure_left(Unit.PICTURES)
        async with spending(Unit.PICTURES, 1):
            pass
        with pytest.raises(BudgetExhaustedError):
            await ensure_left(Unit.PICTURES)


async def test_same_update_after_a_crash_reserves_once(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=5000)
    for _ in range(2):  # the first process dies before it settles
        await budgets.reserve(Payer(budgets, "assistant", 7, key="11").spend(Unit.TOKENS, 3000, 100))
    [standing] = await budgets.standings("assistant", 7)
    assert standing.held == 3000


async def test_tidying_takes_what_is_old(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await hear(budgeted(budgets, ANSWER), budgets)
    assert await budgets.tidy() == 0
    clock.shift(3 * 86400)
    assert await budgets.tidy() == 2
    assert await budgets.tidy() == 0


async def test_nobody_pays_where_nobody_is_named(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, bot_tokens=1000)
    async with spending(Unit.TOKENS, 10):
        pass
    model = budgeted(budgets, ANSWER)
    async with aclosing(model.stream(REQUEST)) as events:
        assert [event async for event in events]
    assert await used(budgets) == 50


async def test_calls_for_nobody_at_one_time_are_all_counted(store: SqlBudgetRepository, clock: ManualClock) -> None:
    budgets = build(store, clock, bot_tokens=10_000)
    model = budgeted(budgets, ANSWER, ANSWER)
    async with aclosing(model.stream(REQUEST)) as one, aclosing(model.stream(REQUEST)) as two:
        for events in (one, two):
            await anext(events)
        for events in (one, two):
            async for _ in events:
                pass
    [standing] = await budgets.standings("assistant", 0)
    assert (standing.used, standing.held) == (100, 0)
