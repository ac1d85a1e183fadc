from datetime import UTC, datetime, timedelta

from beseda.domain.update import StoredUpdate
from tests.contract.storage.world import BOT, World


def make_updates(*numbers: int, bot: str = BOT) -> list[StoredUpdate]:
    return [StoredUpdate(bot, number, f'{{"update_id":{number}}}'.encode()) for number in numbers]


async def test_store_returns_new_ones_in_order(world: World) -> None:
    assert await world.updates.store(make_updates(3, 1, 2)) == make_updates(3, 1, 2)


async def test_store_nothing(world: World) -> None:
    assert await world.updates.store([]) == []


async def test_store_leaves_out_repeated_updates(world: World) -> None:
    await world.updates.store(make_updates(1, 2))
    assert await world.updates.store(make_updates(2, 3, 3)) == make_updates(3)


async def test_store_leaves_out_finished_updates(world: World) -> None:
    await world.updates.store(make_updates(1))
    await world.updates.finish(BOT, [1])
    assert await world.updates.store(make_updates(1)) == []


async def test_bots_do_not_share_numbers(world: World) -> None:
    await world.updates.store(make_updates(1))
    both = [*make_updates(1, bot="llama"), *make_updates(2)]
    assert await world.updates.store(both) == both
    assert await world.updates.unfinished("llama") == make_updates(1, bot="llama")


async def test_unfinished_pages_oldest_first(world: World) -> None:
    await world.updates.store(make_updates(5, 4, 3, 2, 1))
    await world.updates.finish(BOT, [2])
    assert await world.updates.unfinished(BOT, limit=2) == make_updates(1, 3)
    assert await world.updates.unfinished(BOT, limit=2, after=3) == make_updates(4, 5)


async def test_update_ids_are_wide(world: World) -> None:
    wide = make_updates(2**52)
    await world.updates.store(wide)
    assert await world.updates.unfinished(BOT) == wide


async def test_purge_takes_old_and_finished_ones_only(world: World) -> None:
    await world.updates.store(make_updates(*range(1, 11)))
    await world.updates.finish(BOT, [1, 2, 3])
    now = datetime.now(UTC)
    assert await world.updates.purge(now - timedelta(days=1)) == 0
    assert await world.updates.purge(now + timedelta(days=1)) == 3
    assert len(await world.updates.unfinished(BOT)) == 7
