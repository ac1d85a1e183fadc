import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from beseda.db.database import Database
from beseda.ephemeral.sql_state import SqlState
from beseda.testing.clock import ManualClock
from tests.contract.storage.conftest import connect
from tests.contract.storage.hot import TTL, Hot, build_memory, build_redis


@pytest.fixture(params=["memory", "redis", "sql"])
async def hot(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Hot]:
    if request.param == "redis":
        async with connect(request.getfixturevalue("redis_server")) as client:
            yield build_redis(client)
        return
    memory = build_memory()
    if request.param == "memory":
        yield memory
        return
    shutil.copyfile(sqlite_template, tmp_path / "state.db")
    opened = await Database.open(f"sqlite:///{tmp_path}/state.db")
    yield replace(memory, state=SqlState(opened, memory.clock))
    await opened.close()


async def test_get_unknown(hot: Hot) -> None:
    assert await hot.state.get("a") is None


async def test_set_and_get(hot: Hot) -> None:
    await hot.state.set("a", {"mode": "голос", "step": 2, "list": [1, None, True]})
    assert await hot.state.get("a") == {"mode": "голос", "step": 2, "list": [1, None, True]}


async def test_values_are_copies(hot: Hot) -> None:
    value: dict[str, object] = {"a": 1}
    await hot.state.set("a", value)
    value["a"] = 2
    assert await hot.state.get("a") == {"a": 1}


async def test_value_that_is_not_json_is_refused(hot: Hot) -> None:
    with pytest.raises(TypeError):
        await hot.state.set("a", {"a": object()})


async def test_delete(hot: Hot) -> None:
    await hot.state.set("a", {})
    await hot.state.delete("a")
    await hot.state.delete("a")
    assert await hot.state.get("a") is None


async def test_value_expires(hot: Hot) -> None:
    await hot.state.set("a", {}, ttl=TTL)

    async def gone() -> bool:
        return await hot.state.get("a") is None

    assert await hot.until(gone) >= TTL * 0.9


async def test_set_again_without_ttl_stays(hot: Hot) -> None:
    await hot.state.set("a", {"a": 1}, ttl=0.1)
    await hot.state.set("a", {"a": 2})
    await hot.wait(0.2)
    assert await hot.state.get("a") == {"a": 2}


async def test_state_and_cache_do_not_meet(hot: Hot) -> None:
    await hot.state.set("a", {})
    assert await hot.cache.get("a") is None


async def test_sql_state_outlives_the_process(database: Database) -> None:
    await SqlState(database).set("a", {"mode": "audio"})
    await SqlState(database).set("b", {})
    await SqlState(database).delete("b")
    later = SqlState(database)
    assert (await later.get("a"), await later.get("b")) == ({"mode": "audio"}, None)


async def test_sql_state_in_order_within_one_batch(database: Database) -> None:
    state = SqlState(database)
    await asyncio.gather(state.set("a", {"n": 1}), state.delete("a"), state.set("a", {"n": 2}))
    assert await SqlState(database).get("a") == {"n": 2}


async def test_sql_state_that_is_at_hand_costs_no_query(database: Database) -> None:
    state = SqlState(database)
    await state.set("a", {"n": 1})
    assert await state.get("unknown") is None
    await database.write(lambda connection: connection.exec_driver_sql("DELETE FROM states"))
    assert await state.get("a") == {"n": 1}
    assert await SqlState(database).get("a") is None


async def test_sql_state_holds_a_bounded_number(database: Database) -> None:
    state = SqlState(database, size=2)
    for key in "abc":
        await state.set(key, {"key": key})
    assert [await state.get(key) for key in "abc"] == [{"key": key} for key in "abc"]


async def test_sql_state_forgets_expired_rows(database: Database) -> None:
    clock = ManualClock()
    state = SqlState(database, clock)
    await state.set("a", {}, ttl=5)
    await state.set("b", {})
    clock.shift(6)
    assert await state.purge() == 1
    assert await SqlState(database, clock).get("b") == {}
