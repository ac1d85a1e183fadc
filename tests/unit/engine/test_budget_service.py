"""What a day has: reserved, settled, stepped down, refused, renewed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beseda.core.errors import BudgetExhaustedError, StorageError, UnavailableError
from beseda.core.message import Message, Role
from beseda.core.usage import Usage
from beseda.db import migrate
from beseda.db.database import Database
from beseda.engine.usage.budget import BudgetChange, BudgetRules, BudgetScope, Reservation, Spend, Unit, read_limits
from beseda.engine.usage.budget_service import BudgetService, Payer, current_payer, ensure_left, paying, spending
from beseda.engine.usage.budgeted import BotModels
from beseda.engine.usage.repository import BudgetRepository
from beseda.llm.base import ChatModel, ModelRequest
from beseda.llm.failover import FailoverModel
from beseda.locales.errors import explain
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REQUEST = ModelRequest([Message(Role.USER, "one two three")])
ANSWER = ScriptedAnswer(pieces=("yes",), usage=Usage(40, 10))


class Store(BudgetRepository):
    """Budgets that remember what they were asked, and are away on demand."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        super().__init__(database, clock)
        self.is_away = False
        self.settled: list[tuple[str, int]] = []
        self.noted: list[tuple[str, str, float]] = []
        self.purged: list[tuple[datetime, int]] = []

    async def settle(self, reservation_id: str, used: int) -> None:
        self.settled.append((reservation_id, used))
        if self.is_away:
            raise StorageError("away")
        await super().settle(reservation_id, used)

    async def note_refusal(self, who: str, key: str, quiet: timedelta) -> bool:
        self.noted.append((who, key, quiet.total_seconds()))
        return await super().note_refusal(who, key, quiet)

    async def purge(self, before: datetime, *, limit: int) -> int:
        self.purged.append((before, limit))
        return await super().purge(before, limit=limit)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON, instant=True)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database without rows, to be copied: the migrations take most of a second."""
    path = tmp_path_factory.mktemp("empty") / "beseda.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def store(tmp_path: Path, empty: Path, clock: ManualClock) -> AsyncIterator[Store]:
    shutil.copy(empty, tmp_path / "beseda.db")
    database = await Database.open(f"sqlite:///{tmp_path}/beseda.db")
    yield Store(database, clock)
    await database.close()


def build(store: Store, clock: ManualClock, **limits: int) -> BudgetService:
    return BudgetService(store, clock, BudgetRules(read_limits(limits), "cheap:one"))


async def used(budgets: BudgetService, bot: str = "assistant") -> int:
    return (await budgets.statuses(bot, 7))[0].used


async def hear(models: BotModels, budgets: BudgetService, key: str = "1") -> None:
    with paying(Payer(budgets, "assistant", 7, key=key)):
        async with aclosing((await models.find()).stream(REQUEST)) as events:
            async for _ in events:
                pass


class Models:
    """The program's own model, and perhaps a cheap one."""

    def __init__(self, program: ChatModel, cheap: ChatModel | None = None) -> None:
        self._program = program
        self._cheap = cheap

    async def find(self, spec: str) -> ChatModel:
        if not spec:
            return self._program
        assert spec == "cheap:one"
        assert self._cheap is not None
        return self._cheap


def budgeted(budgets: BudgetService, *script: ScriptedAnswer, cheap: ScriptedModel | None = None) -> BotModels:
    return BotModels(Models(ScriptedModel(script), cheap), budgets, "assistant")


async def test_call_is_settled_with_the_count_of_the_server(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await hear(budgeted(budgets, ANSWER), budgets)
    [standing] = await budgets.statuses("assistant", 7)
    assert (standing.used, standing.held, standing.left) == (50, 0, 950)


async def test_failure_before_the_first_word_costs_nothing(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    with suppress(UnavailableError):
        await hear(budgeted(budgets, ScriptedAnswer(error=UnavailableError("down"))), budgets)
    assert await used(budgets) == 0


async def test_answer_that_breaks_off_is_estimated(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    broken = ScriptedAnswer(pieces=("some words of it",), error=UnavailableError("down"))
    with suppress(UnavailableError):
        await hear(budgeted(budgets, broken), budgets)
    assert 5 < await used(budgets) < 15


async def test_failover_is_settled_with_the_model_that_answered(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    first = ScriptedModel(fallback=UnavailableError("down"), name="scripted:first")
    failover = FailoverModel([first, ScriptedModel([ANSWER])], clock)

    await hear(BotModels(Models(failover), budgets, "assistant"), budgets)
    assert await used(budgets) == 50


async def test_cheaper_model_answers_from_80_percent_on(store: Store, clock: ManualClock) -> None:
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


async def test_used_up_budget_is_refused_until_tomorrow(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=100)
    model = budgeted(budgets, ScriptedAnswer(pieces=("yes",), usage=Usage(100, 5)), ANSWER)
    await hear(model, budgets)
    with pytest.raises(BudgetExhaustedError) as caught:
        await hear(model, budgets, "2")
    assert (caught.value.retry_after, caught.value.silent, caught.value.retryable) == (12 * 3600, False, False)
    assert "12 ч 0 мин" in explain(caught.value, "ru")
    assert "12 h 0 min" in explain(caught.value, "en")
    with pytest.raises(BudgetExhaustedError) as caught:
        await hear(model, budgets, "3")
    assert caught.value.silent
    clock.shift(12 * 3600)
    await hear(model, budgets, "4")
    assert await used(budgets) == 50


async def test_question_after_question_that_is_too_long_is_reported_once(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=500)
    silent = []
    for number in range(3):
        with pytest.raises(BudgetExhaustedError) as caught:
            await budgets.reserve(Payer(budgets, "assistant", 7, key=str(number)).spend(Unit.TOKENS, 3000, 900))
        silent.append(caught.value.silent)
        clock.shift(150)
    assert silent == [False, True, False]


async def test_day_is_that_of_the_bot_s_zone(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=100)
    budgets.adopt("assistant", BudgetChange(), "Asia/Vladivostok")
    assert budgets.renewal("assistant") == 2 * 3600
    assert budgets.renewal("assistant", BudgetScope.TOTAL) == 12 * 3600


async def test_without_a_limit_nothing_is_wrapped_or_stored(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_pictures=3)

    program = ScriptedModel()
    assert await BotModels(Models(program), budgets, "assistant").find() is program
    reservation = await budgets.reserve(Spend("assistant", 7, None, Unit.TOKENS, 5, 5, "k"))
    assert (reservation.id, reservation.amount) == ("", 5)


async def test_folder_s_word_stands_above_the_settings(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=100, bot_tokens=200)
    rules = budgets.adopt("llama", BudgetChange(read_limits({"user_tokens": 0}), ""))
    assert not rules.cheaper_model
    [standing] = await budgets.statuses("llama", 7)
    assert (standing.account.scope, standing.account.limit) == (BudgetScope.BOT, 200)


async def test_group_and_its_people_have_their_own_limits(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_speech_minutes=1, group_speech_minutes=1)
    with paying(Payer(budgets, "assistant", 7, -5, "1")):
        async with spending(Unit.SPEECH, 40.2):
            pass
    standings = await budgets.statuses("assistant", 8, -5)
    assert [(s.account.scope, s.used) for s in standings] == [(BudgetScope.GROUP, 41), (BudgetScope.USER, 0)]
    with paying(Payer(budgets, "assistant", 8, -5, "2")):
        with pytest.raises(BudgetExhaustedError) as caught:
            async with spending(Unit.SPEECH, 20):
                pass
        async with spending(Unit.SPEECH, 19):
            pass
    assert not caught.value.silent


async def test_block_that_fails_has_used_nothing(store: Store, clock: ManualClock) -> None:
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


async def test_same_update_after_a_crash_reserves_once(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=5000)
    for _ in range(2):  # the first process dies before it settles
        await budgets.reserve(Payer(budgets, "assistant", 7, key="11").spend(Unit.TOKENS, 3000, 100))
    [standing] = await budgets.statuses("assistant", 7)
    assert standing.held == 3000


async def test_tidying_takes_old_rows(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await hear(budgeted(budgets, ANSWER), budgets)
    assert await budgets.tidy() == 0
    clock.shift(3 * 86400)
    assert await budgets.tidy() == 2
    assert await budgets.tidy() == 0


async def test_call_without_a_payer_is_free(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, bot_tokens=1000)
    async with spending(Unit.TOKENS, 10):
        pass
    model = await budgeted(budgets, ANSWER).find()
    async with aclosing(model.stream(REQUEST)) as events:
        assert [event async for event in events]
    assert await used(budgets) == 50


async def test_calls_without_a_payer_at_one_time_are_all_counted(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, bot_tokens=10_000)
    model = await budgeted(budgets, ANSWER, ANSWER).find()
    async with aclosing(model.stream(REQUEST)) as one, aclosing(model.stream(REQUEST)) as two:
        for events in (one, two):
            await anext(events)
        for events in (one, two):
            async for _ in events:
                pass
    [standing] = await budgets.statuses("assistant", 0)
    assert (standing.used, standing.held) == (100, 0)


async def refuse(budgets: BudgetService, spend: Spend) -> BudgetExhaustedError:
    with pytest.raises(BudgetExhaustedError) as caught:
        await budgets.reserve(spend)
    return caught.value


@pytest.mark.parametrize(("limit", "quiet"), [(63, 3600), (64, 300)])
async def test_refusal_is_repeated_after_five_minutes_while_some_is_left_and_after_an_hour_else(
    store: Store, clock: ManualClock, limit: int, quiet: int
) -> None:
    budgets = build(store, clock, user_tokens=limit)
    silent = []
    for number, seconds in enumerate((0, quiet - 1, 1)):
        clock.shift(seconds)
        spend = Payer(budgets, "assistant", 7, -5, str(number)).spend(Unit.TOKENS, 100, 65)
        silent.append((await refuse(budgets, spend)).silent)
    assert silent == [False, True, False]
    assert store.noted == [("assistant:-5:7:tokens", f"assistant:{number}", quiet) for number in range(3)]


async def test_refusals_of_one_cause_are_reported_alike(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=64)
    payer = Payer(budgets, "assistant", 7, key="1")
    error = await refuse(budgets, payer.spend(Unit.TOKENS, 100, 65))
    assert error.detail == "user of assistant: 64 of 64 tokens left, 65 needed"
    assert not error.silent
    assert not (await refuse(budgets, payer.spend(Unit.TOKENS, 100, 65))).silent
    assert store.noted[0][0] == "assistant:0:7:tokens"


async def test_recording_that_is_too_long_is_refused_aloud_each_time(
    store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "beseda.engine.usage.budget_service")
    budgets = build(store, clock, user_speech_minutes=1)
    for number in range(2):
        spend = Payer(budgets, "assistant", 7, key=str(number)).spend(Unit.SPEECH, 61, 61)
        assert not (await refuse(budgets, spend)).silent
    assert store.noted == []
    assert caplog.messages == ["user of assistant: 60 of 60 speech left, 61 needed"] * 2
    await budgets.settle(await budgets.reserve(Payer(budgets, "assistant", 7, key="3").spend(Unit.SPEECH, 60, 60)), 60)
    silent = [(await refuse(budgets, Payer(budgets, "assistant", 7).spend(Unit.SPEECH, 1, 1))).silent for _ in range(2)]
    assert silent == [False, True]


async def test_program_s_limit_is_renewed_in_the_program_s_zone(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, total_tokens=10)
    budgets.adopt("assistant", BudgetChange(), "Asia/Vladivostok")
    assert (await refuse(budgets, Payer(budgets, "assistant", 7).spend(Unit.TOKENS, 20, 20))).retry_after == 12 * 3600


@pytest.mark.parametrize(("spent", "cheaper"), [(799, False), (800, True)])
async def test_cheaper_model_is_due_from_exactly_80_percent_on(
    store: Store, clock: ManualClock, spent: int, cheaper: bool
) -> None:
    budgets = build(store, clock, user_tokens=1000)
    payer = Payer(budgets, "assistant", 7, key="1")
    await budgets.settle(await budgets.reserve(payer.spend(Unit.TOKENS, spent, 1)), spent)
    assert await budgets.reserve(payer.spend(Unit.TOKENS, 100, 1)) == Reservation(
        "assistant:1/tokens:1", 100, cheaper=cheaper
    )


@pytest.mark.parametrize(("unit", "seconds"), [(Unit.TOKENS, 900), (Unit.SPEECH, 7200), (Unit.PICTURES, 3600)])
async def test_reservation_of_a_dead_process_is_free_again_in_time(
    store: Store, clock: ManualClock, unit: Unit, seconds: int
) -> None:
    budgets = build(store, clock, user_tokens=60, user_speech_minutes=1, user_pictures=60)
    await budgets.reserve(Payer(budgets, "assistant", 7).spend(unit, 60, 60))
    clock.shift(seconds - 1)
    await refuse(budgets, Payer(budgets, "assistant", 7).spend(unit, 60, 60))
    clock.shift(1)
    assert (await budgets.reserve(Payer(budgets, "assistant", 7).spend(unit, 60, 60))).amount == 60


async def test_settling_counts_nothing_below_zero_and_nothing_that_is_not_limited(
    store: Store, clock: ManualClock
) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await budgets.settle(Reservation("", 5), 5)
    assert store.settled == []
    reservation = await budgets.reserve(Payer(budgets, "assistant", 7, key="1").spend(Unit.TOKENS, 10, 10))
    await budgets.settle(reservation, -5)
    assert store.settled == [("assistant:1/tokens:0", 0)]
    assert await used(budgets) == 0


async def test_answer_stands_if_its_use_cannot_be_counted(
    store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    budgets = build(store, clock, user_tokens=1000)
    reservation = await budgets.reserve(Payer(budgets, "assistant", 7, key="1").spend(Unit.TOKENS, 10, 10))
    store.is_away = True
    await budgets.settle(reservation, 7)
    assert caplog.messages == ["7 of assistant:1/tokens:0 are not counted: away"]


async def test_standings_are_listed_by_unit(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_pictures=3, user_tokens=5, user_speech_minutes=1, bot_tokens=9)
    await budgets.settle(await budgets.reserve(Payer(budgets, "assistant", 8, key="1").spend(Unit.TOKENS, 4, 4)), 4)
    found = [(one.account.scope, one.account.unit, one.left) for one in await budgets.statuses("assistant", 7)]
    assert found == [
        (BudgetScope.BOT, Unit.TOKENS, 5),
        (BudgetScope.USER, Unit.TOKENS, 5),
        (BudgetScope.USER, Unit.SPEECH, 60),
        (BudgetScope.USER, Unit.PICTURES, 3),
    ]


def test_calls_of_a_cause_are_numbered(clock: ManualClock, store: Store) -> None:
    budgets = BudgetService(store, clock)
    payer = Payer(budgets, "assistant", 7, -5, "11")
    assert payer.spend(Unit.TOKENS, 10, 5) == Spend("assistant", 7, -5, Unit.TOKENS, 10, 5, "assistant:11/tokens:0")
    assert payer.spend(Unit.SPEECH, 10, 5).key == "assistant:11/speech:1"
    unnamed = [Payer(budgets, "assistant").spend(Unit.TOKENS, 1, 1) for _ in range(2)]
    assert [(spend.user_id, spend.group_id) for spend in unnamed] == [(0, None), (0, None)]
    assert unnamed[0].key != unnamed[1].key
    assert budgets.rules_of("assistant") == BudgetRules()


def test_payer_is_that_of_the_innermost_block(clock: ManualClock, store: Store) -> None:
    one, other = (Payer(BudgetService(store, clock), bot) for bot in ("one", "other"))
    found = [current_payer()]
    with paying(one):
        with paying(other):
            found.append(current_payer())
        found.append(current_payer())
    assert [*found, current_payer()] == [None, other, one, None]


async def test_block_may_use_less_than_it_reserved(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_pictures=5)
    with paying(Payer(budgets, "assistant", 7, key="1")):
        async with spending(Unit.PICTURES, 3) as spent:
            assert spent.used == 3
            spent.used = 2
        async with spending(Unit.TOKENS, 3) as spent:
            assert spent.used == 3
        await ensure_left(Unit.TOKENS)
    assert store.settled == [("assistant:1/pictures:0", 2)]
    await ensure_left(Unit.PICTURES)
    assert await used(budgets) == 2


@pytest.mark.parametrize(("spent", "left"), [(937, False), (936, True)])
async def test_a_call_is_worth_it_while_64_tokens_are_left(
    store: Store, clock: ManualClock, spent: int, left: bool
) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await budgets.settle(await budgets.reserve(Payer(budgets, "assistant", 7).spend(Unit.TOKENS, spent, 1)), spent)
    with paying(Payer(budgets, "assistant", 7, key="1")):
        if left:
            await ensure_left(Unit.TOKENS)
        else:
            with pytest.raises(BudgetExhaustedError):
                await ensure_left(Unit.TOKENS)
    assert await used(budgets) == spent


async def test_tidying_takes_pieces_older_than_two_days(store: Store, clock: ManualClock) -> None:
    budgets = build(store, clock, user_tokens=1000)
    await hear(budgeted(budgets, ANSWER), budgets)
    clock.shift(3 * 86400)
    assert await budgets.tidy() == 2
    assert store.purged == [(NOON + timedelta(days=1), 2000)] * 2
