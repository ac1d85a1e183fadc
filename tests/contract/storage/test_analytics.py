"""Rolled up or counted from the record: the same figures, whatever happened."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from beseda.app_personal_data import PERSONAL_DATA
from beseda.core.errors import PeriodError
from beseda.db.database import Database
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.model import FileOwner
from beseda.features.analytics.model import DAY, HOUR, Metric, Period, SeriesStep, list_points
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.analytics.service import AnalyticsService
from beseda.features.analytics.tables import active_users, conversation_metrics, hourly_figures
from beseda.features.leads.model import LeadChange, LeadStatus, NewLead
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.service import LeadService
from beseda.features.leads.tables import leads
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.testing.clock import ManualClock
from tests.parts.figures import BOTS, START, RandomRecord

END = START + timedelta(hours=50)
WHOLE = Period(START - HOUR, END + HOUR)


@pytest.fixture(params=[1, 2, 3])
async def record(request: pytest.FixtureRequest, database: Database) -> RandomRecord:
    made = RandomRecord(request.param)
    await database.write(made.write)
    return made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(END)


@pytest.fixture
def store(database: Database, clock: ManualClock) -> AnalyticsRepository:
    return AnalyticsRepository(database, clock)


@pytest.fixture
def service(store: AnalyticsRepository, clock: ManualClock) -> AnalyticsService:
    return AnalyticsService(store, clock)


def draw_periods(seed: int, number: int = 12) -> list[Period]:
    """Return periods that begin and end anywhere, some on whole hours and days."""
    chance = random.Random(seed)
    periods = [WHOLE, *(replace(WHOLE, bot=bot) for bot in BOTS)]
    for _ in range(number):
        first, last = sorted(START + timedelta(hours=50) * chance.random() for _ in range(2))
        whole = chance.choice([None, SeriesStep.HOUR, SeriesStep.DAY])
        if whole is not None:
            first, last = whole.floor(first), whole.floor(last) + whole.width
        periods.append(Period(first, last + HOUR, chance.choice(["", *BOTS])))
    return periods


async def check(service: AnalyticsService, record: RandomRecord, periods: list[Period]) -> None:
    for period in periods:
        figures, times, people = record.count(period)
        found = await service.metrics(period)
        assert (found.figures, found.active_users) == (figures, people)
        assert found.response_p50 == times.percentile(0.5)
        assert found.response_p95 == times.percentile(0.95)


async def test_figures_without_a_roll_up_are_those_of_the_database(
    service: AnalyticsService, record: RandomRecord
) -> None:
    await check(service, record, draw_periods(record.seed, 4))


async def test_figures_after_a_roll_up_are_those_of_the_database(
    service: AnalyticsService, record: RandomRecord
) -> None:
    assert await service.roll_up() == 50
    await check(service, record, draw_periods(record.seed))


async def test_rolled_up_in_pieces_it_comes_to_the_same(
    service: AnalyticsService, record: RandomRecord, clock: ManualClock
) -> None:
    clock.shift((START + timedelta(hours=7) - clock.now()).total_seconds())
    for hours in (0, 1, 5, 26, 11):
        clock.shift(hours * 3600)
        await service.roll_up()
        await service.roll_up()
    assert clock.now() == END
    await check(service, record, draw_periods(record.seed))


async def test_late_rows_are_taken_in(
    database: Database, service: AnalyticsService, record: RandomRecord, clock: ManualClock
) -> None:
    await service.roll_up()
    late = [replace(talk, id=talk.id + 5000, user_id=9, at=talk.at) for talk in record.talks if talk.at > END - HOUR]
    await database.write(lambda connection: record.write_talks(connection, late))
    record.talks += late
    clock.shift(3600)
    await service.roll_up()
    await check(service, record, [WHOLE, Period(END - 3 * HOUR, END)])


async def test_days_are_counted_again_at_night(
    database: Database, service: AnalyticsService, record: RandomRecord
) -> None:
    await service.roll_up()
    late = [replace(talk, id=talk.id + 5000) for talk in record.talks if talk.at > END - DAY]
    await database.write(lambda connection: record.write_talks(connection, late))
    record.talks += late
    assert await service.roll_up_days() == 50
    await check(service, record, [WHOLE])


async def test_rolled_up_twice_nothing_is_doubled(
    database: Database, service: AnalyticsService, record: RandomRecord
) -> None:
    tables = (hourly_figures, active_users)

    async def look() -> list[list[tuple[object, ...]]]:
        return await database.read(
            lambda connection: [sorted(map(tuple, connection.execute(select(table)))) for table in tables]
        )

    await service.roll_up()
    before = await look()
    await service.roll_up()
    await service.roll_up_days()
    assert await look() == before
    assert all(before)


@pytest.mark.parametrize("step", list(SeriesStep))
async def test_series_is_the_figures_of_each_point(
    service: AnalyticsService, record: RandomRecord, step: SeriesStep
) -> None:
    await service.roll_up()
    period = Period(START + timedelta(minutes=10), END - timedelta(minutes=20), "sales")
    for metric in (Metric.MESSAGES, Metric.TOKENS, Metric.RESPONSE_P95, Metric.CONVERSATIONS):
        points = await service.series(period, metric, step)
        assert [point.at for point in points] == list_points(period, step)
        for point in points:
            part = Period(max(point.at, period.since), min(point.at + step.width, period.until), period.bot)
            figures, times, _ = record.count(part)
            expected = times.percentile(0.95) if metric is Metric.RESPONSE_P95 else getattr(figures, metric.value)
            assert point.value == expected, (metric, point)


@pytest.mark.parametrize("step", [SeriesStep.DAY, SeriesStep.WEEK])
async def test_series_of_active_users_counts_each_once(
    service: AnalyticsService, record: RandomRecord, step: SeriesStep
) -> None:
    await service.roll_up()
    for bot in ("", *BOTS):
        for point in await service.series(replace(WHOLE, bot=bot), Metric.ACTIVE_USERS, step):
            part = Period(max(point.at, WHOLE.since), min(point.at + step.width, WHOLE.until), bot)
            assert point.value == record.count(part)[2]


async def test_conversations_know_how_long_they_are(
    database: Database, service: AnalyticsService, record: RandomRecord
) -> None:
    await service.roll_up()
    rows = await database.read(lambda connection: connection.execute(select(conversation_metrics)).all())
    for row in rows:
        talks = [talk for talk in record.talks if talk.conversation_id == row.conversation_id]
        assert row.message_count == sum(1 + talk.answered for talk in talks)
        assert row.duration_days == (max(talk.at for talk in talks) - min(talk.at for talk in talks)).days
    assert {row.conversation_id for row in rows} == {talk.conversation_id for talk in record.talks}


async def test_funnel_counts_entered_left_and_won_before_and_after_the_roll_up(
    database: Database, service: AnalyticsService, record: RandomRecord, clock: ManualClock
) -> None:
    then = ManualClock(END - HOUR)
    leads = LeadService(LeadRepository(database, then), EventRepository(database, then), then)
    first = (await leads.open(NewLead("sales", 1, stage="greeting"))).lead
    second = (await leads.open(NewLead("sales", 2, stage="greeting"))).lead
    await leads.enter_stage(first.id, "scheduling")
    await leads.change(first.id, LeadChange(status=LeadStatus.WON), actor="owner")
    await leads.change(second.id, LeadChange(notes="?"), actor="owner")
    expected = [("greeting", 2, 1, 0), ("scheduling", 1, 0, 1)]
    for rolled in (False, True):  # at once, then from what is rolled up
        if rolled:
            await service.roll_up()
        assert await _read_funnel(service, "sales") == expected
        assert await _read_funnel(service, "assistant") == []
    clock.shift(2 * 24 * 3600)
    await service.roll_up()
    assert await _read_funnel(service, "sales") == expected


async def _read_funnel(service: AnalyticsService, bot: str) -> list[tuple[str, int, int, int]]:
    funnel = (await service.metrics(replace(WHOLE, bot=bot))).funnel
    return [(row.stage, row.entered, row.exited, row.won) for row in funnel]


def lead(number: int, at: datetime, *, status: str = "active", merged_into: int | None = None) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(("name", "contact", "phone", "email", "email_key", "owner", "notes"), "")
    row |= {"id": number, "bot": "sales", "user_id": number, "source": "telegram", "search": "", "stage": "summary"}
    row |= {"status": status, "fit_score": 0, "version": 1, "created_at": at, "updated_at": at}
    return row | {"merged_into": merged_into}


async def test_conversion_is_of_the_leads_that_came(
    database: Database, service: AnalyticsService, record: RandomRecord
) -> None:
    rows = [lead(1, START, status="won"), lead(2, START), lead(3, START + DAY, status="won")]
    rows += [lead(4, START + DAY, status="lost"), lead(5, START, status="won", merged_into=1)]
    await database.write(lambda connection: connection.execute(insert(leads), rows))
    found = (await service.metrics(WHOLE)).leads
    assert (found.total, found.won, found.conversion) == (4, 2, 50.0)
    assert found.by_stage == {"summary": 4}
    assert (await service.metrics(Period(START, START + HOUR))).leads.conversion == 50.0
    nothing = (await service.metrics(Period(END, END + HOUR))).leads
    assert (nothing.total, nothing.conversion) == (0, 0.0)
    days = await service.series(replace(WHOLE, bot="sales"), Metric.LEADS_WON, SeriesStep.DAY)
    assert [point.value for point in days] == [1, 1, 0, 0]


async def test_person_who_is_forgotten_is_no_longer_seen(
    database: Database, service: AnalyticsService, record: RandomRecord
) -> None:
    await service.roll_up()
    period = Period(WHOLE.since, SeriesStep.HOUR.floor(END), "sales")
    before = await service.metrics(period)
    place = next(place for place in record.places if place["bot"] == "sales")
    person = next(talk.user_id for talk in record.talks if talk.conversation_id == place["id"])
    await PersonalDataRepository(database, PERSONAL_DATA).forget(FileOwner("sales", person))
    after = await service.metrics(period)
    assert after.active_users == before.active_users - 1
    assert after.figures == before.figures  # sums over whole hours tell of nobody


async def test_senseless_periods_are_refused(service: AnalyticsService) -> None:
    with pytest.raises(PeriodError):
        await service.metrics(Period(END, END))
    with pytest.raises(PeriodError):
        await service.series(Period(END - 100 * DAY, END), Metric.MESSAGES, SeriesStep.HOUR)
    with pytest.raises(PeriodError):
        await service.series(WHOLE, Metric.ACTIVE_USERS, SeriesStep.HOUR)


async def test_empty_database_is_rolled_up(service: AnalyticsService) -> None:
    assert await service.roll_up() == 0
    assert await service.roll_up_days() == 0
    found = await service.metrics(WHOLE)
    assert (found.active_users, found.response_p95) == (0, None)
