"""Keys to the API, and answers that are given again, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from beseda.db.database import Database
from beseda.features.api_keys.repository import ApiKeyRepository
from beseda.testing.clock import ManualClock
from beseda.web.api_key import ApiKey, Scope, hash_secret, make_secret, read_key, write_key
from beseda.web.idempotency import IdempotencyRecord, IdempotencyRepository, IdempotentRequest

START = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def keys(database: Database, clock: ManualClock) -> ApiKeyRepository:
    return ApiKeyRepository(database, clock)


@pytest.fixture
def answers(database: Database, clock: ManualClock) -> IdempotencyRepository:
    return IdempotencyRepository(database, clock)


@pytest.fixture
async def key(keys: ApiKeyRepository) -> ApiKey:
    return await keys.add("crm\0'; DROP TABLE api_keys; --", Scope.WRITE, hash_secret(make_secret()))


def test_key_is_read_as_it_is_written() -> None:
    secret = make_secret()
    assert read_key(write_key(12, secret)) == (12, secret)
    for wrong in ("", "bsd_", f"bsd_0_{secret}", f"bsd_12_{secret}x", f"bsd_12_{secret} ", f"x{write_key(1, secret)}"):
        assert read_key(wrong) is None


async def test_key_is_kept_used_revoked(keys: ApiKeyRepository, key: ApiKey, clock: ManualClock) -> None:
    assert (key.name, key.scope, key.created_at) == ("crm'; DROP TABLE api_keys; --", Scope.WRITE, START)
    await keys.mark_used(key.id, START + timedelta(hours=2))
    await keys.mark_used(key.id, START + timedelta(hours=1))  # of a replica that was slower
    clock.shift(10)
    revoked = await keys.revoke(key.id)
    clock.shift(10)
    assert revoked is not None
    assert revoked == await keys.revoke(key.id) == await keys.find(key.id)
    assert (revoked.last_used_at, revoked.revoked_at) == (START + timedelta(hours=2), START + timedelta(seconds=10))
    assert (await keys.revoke(99), await keys.find(99)) == (None, None)


async def test_keys_are_listed_newest_first(keys: ApiKeyRepository) -> None:
    for name in "abc":
        await keys.add(name, Scope.READ, "")
    assert [key.name for key in await keys.page(limit=2)] == ["c", "b"]
    assert [key.name for key in await keys.page(limit=2, offset=2)] == ["a"]
    assert await keys.count() == 3


async def test_one_of_many_claims(answers: IdempotencyRepository, key: ApiKey) -> None:
    request = IdempotentRequest(key.id, "k", "f")
    found = await asyncio.gather(*(answers.claim(request) for _ in range(8)))
    assert found.count(None) == 1
    assert [item for item in found if item is not None] == [IdempotencyRecord("f")] * 7


async def test_answer_is_kept_for_a_day(answers: IdempotencyRepository, key: ApiKey, clock: ManualClock) -> None:
    request, answer = IdempotentRequest(key.id, "k", "f"), IdempotencyRecord("f", 201, {"location": "/1"}, b"\x00\xff")
    assert await answers.claim(request) is None
    await answers.complete(request, answer)
    await answers.release(request)  # of a claim only
    clock.shift(24 * 3600 - 1)
    assert await answers.claim(request) == answer
    clock.shift(2)
    assert await answers.claim(request) is None


async def test_claim_of_a_process_that_died_is_free_after_a_minute(
    answers: IdempotencyRepository, key: ApiKey, clock: ManualClock
) -> None:
    request = IdempotentRequest(key.id, "k", "f")
    await answers.claim(request)
    clock.shift(59)
    assert await answers.claim(request) == IdempotencyRecord("f")
    clock.shift(2)
    assert await answers.claim(request) is None


async def test_claim_of_a_clock_that_is_ahead_does_no_harm(
    answers: IdempotencyRepository, key: ApiKey, clock: ManualClock
) -> None:
    request = IdempotentRequest(key.id, "k", "f")
    clock.shift(3600)
    await answers.claim(request)
    clock.shift(-3600)
    assert await answers.claim(request) == IdempotencyRecord("f")
    await answers.release(request)
    assert await answers.claim(request) is None
    assert await answers.purge(clock.now()) == 0
    assert await answers.purge(clock.now() + timedelta(seconds=1)) == 1
