"""Budgets on both databases: nothing is held twice, nothing is counted twice."""

import asyncio
from datetime import date, timedelta

import pytest

from beseda.db.database import Database
from beseda.engine.usage.budget import Account, BudgetScope, ReservationRequest, Unit
from beseda.engine.usage.repository import BudgetRepository
from beseda.testing.clock import ManualClock

DAY = date(2026, 1, 1)
ANNA = Account(BudgetScope.USER, "assistant", 7, Unit.TOKENS, DAY, 100)
BOT = Account(BudgetScope.BOT, "assistant", 0, Unit.TOKENS, DAY, 150)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(database: Database, clock: ManualClock) -> BudgetRepository:
    return BudgetRepository(database, clock)


def claim(clock: ManualClock, name: str, wanted: int = 40, *accounts: Account, least: int = 10) -> ReservationRequest:
    return ReservationRequest(
        name, Unit.TOKENS, wanted, least, accounts or (BOT, ANNA), clock.now() + timedelta(minutes=15)
    )


async def stand(store: BudgetRepository, account: Account = ANNA) -> tuple[int, int]:
    [status] = await store.statuses([account])
    return status.used, status.held


async def test_reservation_is_held_by_all_accounts_and_settled(store: BudgetRepository, clock: ManualClock) -> None:
    grant = await store.reserve(claim(clock, "a"))
    assert (grant.amount, grant.share, grant.refused) == (40, 0.0, None)
    assert await stand(store) == await stand(store, BOT) == (0, 40)
    await store.settle("a", 25)
    assert await stand(store) == await stand(store, BOT) == (25, 0)


async def test_settling_twice_counts_once(store: BudgetRepository, clock: ManualClock) -> None:
    await store.reserve(claim(clock, "a"))
    for _ in range(2):
        await store.settle("a", 25)
    await store.settle("nobody knows it", 25)
    assert await stand(store) == (25, 0)


async def test_remaining_budget_bounds_a_reservation(store: BudgetRepository, clock: ManualClock) -> None:
    await store.reserve(claim(clock, "a", 90))
    grant = await store.reserve(claim(clock, "b"))
    assert (grant.amount, grant.share) == (10, 0.9)
    refused = (await store.reserve(claim(clock, "c"))).refused
    assert refused is not None
    assert (refused.account, refused.left) == (ANNA, 0)
    assert await stand(store, BOT) == (0, 100)


async def test_refusal_by_one_account_holds_nothing_of_the_others(store: BudgetRepository, clock: ManualClock) -> None:
    boris = Account(BudgetScope.USER, "assistant", 8, Unit.TOKENS, DAY, 1000)
    await store.reserve(claim(clock, "a", 145, BOT, boris))
    assert (await store.reserve(claim(clock, "b"))).refused is not None
    assert await stand(store) == (0, 0)


async def test_same_name_reserves_once(store: BudgetRepository, clock: ManualClock) -> None:
    await store.reserve(claim(clock, "a", 60))
    assert (await store.reserve(claim(clock, "a", 80))).amount == 80
    assert await stand(store) == (0, 80)


async def test_settled_name_is_reserved_again(store: BudgetRepository, clock: ManualClock) -> None:
    for _ in range(2):
        await store.reserve(claim(clock, "a"))
        await store.settle("a", 30)
    assert await stand(store) == (60, 0)


async def test_reservation_of_a_dead_process_expires(store: BudgetRepository, clock: ManualClock) -> None:
    await store.reserve(claim(clock, "a", 100))
    clock.shift(14 * 60)
    assert (await store.reserve(claim(clock, "b"))).refused is not None
    clock.shift(60)
    assert (await store.reserve(claim(clock, "b"))).amount == 40
    await store.settle("a", 7)  # it lived, after all
    assert await stand(store) == (7, 40)


async def test_replicas_cannot_overspend(database_url: str, clock: ManualClock) -> None:
    databases = [await Database.open(database_url) for _ in range(3)]
    stores = [BudgetRepository(database, clock) for database in databases]
    claims = [claim(clock, f"{number}", 30, least=30) for number in range(30)]
    grants = await asyncio.gather(*(stores[number % 3].reserve(one) for number, one in enumerate(claims)))
    assert sum(grant.amount for grant in grants) == 90
    assert await stand(stores[0]) == (0, 90)
    await asyncio.gather(*(stores[number % 3].settle(one.id, 31) for number, one in enumerate(claims)))
    assert await stand(stores[0]) == (93, 0)
    for database in databases:
        await database.close()


async def test_replicas_that_want_many_accounts_do_not_hang(database_url: str, clock: ManualClock) -> None:
    databases = [await Database.open(database_url) for _ in range(2)]
    stores = [BudgetRepository(database, clock) for database in databases]
    people = [Account(BudgetScope.USER, "assistant", number, Unit.TOKENS, DAY, 100) for number in range(10)]
    claims = [claim(clock, f"{number}", 10, people[number * 7 % 10]) for number in range(60)]
    async with asyncio.timeout(30):
        grants = await asyncio.gather(*(stores[number % 2].reserve(one) for number, one in enumerate(claims)))
    assert {grant.amount for grant in grants} == {10}
    for database in databases:
        await database.close()


async def test_notice_is_shown_once_in_a_while(store: BudgetRepository, clock: ManualClock) -> None:
    hour = timedelta(hours=1)
    assert await store.note_refusal("anna", "1", hour)
    assert await store.note_refusal("anna", "1", hour)  # asked again after a crash
    assert not await store.note_refusal("anna", "2", hour)
    assert await store.note_refusal("boris", "2", hour)
    clock.shift(3600)
    assert await store.note_refusal("anna", "3", hour)


async def test_old_days_are_purged(store: BudgetRepository, clock: ManualClock) -> None:
    await store.reserve(claim(clock, "a"))
    await store.settle("a", 5)
    today, tomorrow = clock.now(), clock.now() + timedelta(days=1)
    assert await store.purge(today, limit=9) == 0
    assert await store.purge(tomorrow, limit=1) == 2
    assert await store.purge(tomorrow, limit=9) == 1
    assert await store.purge(tomorrow, limit=9) == 0
    assert await stand(store) == (0, 0)
