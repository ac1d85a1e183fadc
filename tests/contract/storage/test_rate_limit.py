import asyncio

from beseda.ephemeral.base import Rate
from tests.contract.storage.hot import Hot


async def test_no_rates_allow_everything(hot: Hot) -> None:
    assert [await hot.limiter.hit("a", []) for _ in range(5)] == [0] * 5


async def test_limit_of_zero_allows_nothing(hot: Hot) -> None:
    assert await hot.limiter.hit("a", [Rate(0, 60)]) == 60


async def test_used_up_limit_names_the_time_to_wait(hot: Hot) -> None:
    rates = [Rate(3, 60)]
    assert [await hot.limiter.hit("a", rates) for _ in range(3)] == [0, 0, 0]
    assert 50 < await hot.limiter.hit("a", rates) <= 60


async def test_keys_do_not_share(hot: Hot) -> None:
    await hot.limiter.hit("a", [Rate(1, 60)])
    assert await hot.limiter.hit("b", [Rate(1, 60)]) == 0


async def test_strictest_rate_decides(hot: Hot) -> None:
    rates = [Rate(2, 10), Rate(3, 1000)]
    assert [await hot.limiter.hit("a", rates) for _ in range(2)] == [0, 0]
    assert 5 < await hot.limiter.hit("a", rates) <= 10


async def test_concurrent_calls_are_bounded_by_the_limit(hot: Hot) -> None:
    waits = await asyncio.gather(*(hot.limiter.hit("a", [Rate(7, 60)]) for _ in range(40)))
    assert waits.count(0) == 7


async def test_window_slides(hot: Hot) -> None:
    rates = [Rate(2, 0.4)]
    await hot.limiter.hit("a", rates)
    await hot.wait(0.2)
    await hot.limiter.hit("a", rates)
    # The first event leaves 0.2 s from now and frees one place, not two.
    wait = await hot.limiter.hit("a", rates)
    assert 0 < wait <= 0.21
    await hot.wait(wait + 0.001)
    assert await hot.limiter.hit("a", rates) == 0
    assert await hot.limiter.hit("a", rates) > 0


async def test_refused_events_do_not_count(hot: Hot) -> None:
    rates = [Rate(1, 0.3)]
    await hot.limiter.hit("a", rates)

    async def allowed() -> bool:
        return await hot.limiter.hit("a", rates) == 0

    assert 0.25 <= await hot.until(allowed) <= 2


async def test_rest_of_a_rate_is_known(hot: Hot) -> None:
    rate = Rate(3, 60)
    spent = [await hot.limiter.spend("a", rate) for _ in range(5)]
    assert [quota.left for quota in spent] == [2, 1, 0, 0, 0]
    assert [quota.wait > 0 for quota in spent] == [False, False, False, True, True]
    assert all(50 < quota.renewed <= 60 for quota in spent)
    assert spent[3].wait == spent[3].renewed


async def test_rate_is_left_again_when_its_events_leave_the_window(hot: Hot) -> None:
    rate = Rate(2, 0.4)
    quotas = [await hot.limiter.spend("a", rate) for _ in range(3)]
    await hot.wait(quotas[-1].wait + 0.01)
    assert (await hot.limiter.spend("a", rate)).wait == 0


async def test_bucket_gives_a_burst_and_then_names_the_wait(hot: Hot) -> None:
    taken = [await hot.tokens.take("a", 4, rate=0.5, burst=10) for _ in range(4)]
    assert [number for number, _ in taken] == [4, 4, 2, 0]
    assert 1.5 < taken[-1][1] <= 2


async def test_bucket_fills_by_itself(hot: Hot) -> None:
    assert await hot.tokens.take("a", 5, rate=10, burst=5) == (5, 0)

    async def has_two() -> bool:
        return (await hot.tokens.take("a", 1, rate=10, burst=5))[0] == 1

    assert 0.05 < await hot.until(has_two) < 1


async def test_buckets_do_not_share(hot: Hot) -> None:
    await hot.tokens.take("a", 5, rate=0.1, burst=5)
    assert await hot.tokens.take("b", 5, rate=0.1, burst=5) == (5, 0)


async def test_bucket_gives_concurrent_callers_no_more_than_it_holds(hot: Hot) -> None:
    taken = await asyncio.gather(*(hot.tokens.take("a", 3, rate=0.1, burst=20) for _ in range(30)))
    assert sum(number for number, _ in taken) == 20


async def test_reserved_places_follow_one_another(hot: Hot) -> None:
    rates = [Rate(2, 60)]
    waits = [await hot.limiter.reserve("line", rates) for _ in range(6)]
    assert [round(wait / 60) for wait in waits] == [0, 0, 1, 1, 2, 2]


async def test_calls_spread_over_the_past_are_no_flood(hot: Hot) -> None:
    rates = [Rate(15, 60), Rate(80, 3600)]
    waits = [await hot.limiter.reserve("backlog", rates, age=3600 - 200 * number) for number in range(18)]
    assert waits == [0] * 18


async def test_flood_of_the_past_waits_for_the_rest_of_its_time(hot: Hot) -> None:
    rates = [Rate(3, 60)]
    waits = [await hot.limiter.reserve("flood", rates, age=50.0) for _ in range(7)]
    assert [round(wait, 0) for wait in waits[:6]] == [0, 0, 0, 10, 10, 10]
    assert 69 < waits[6] <= 70
