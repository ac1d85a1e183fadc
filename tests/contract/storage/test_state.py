import pytest

from tests.contract.storage.hot import TTL, Hot


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
