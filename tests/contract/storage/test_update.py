from dataclasses import replace
from datetime import UTC, datetime, timedelta

from beseda.engine.updates.model import StoredUpdate, Tries
from beseda.engine.updates.repository import Look
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


async def test_our_own_come_first_and_oldest_first(world: World) -> None:
    await world.updates.store(make_updates(-30, 2, 0, -20, -10))
    in_order = make_updates(-10, -20, -30, 0, 2)
    assert await world.updates.unfinished(BOT) == in_order
    for place in range(5):
        after = in_order[place].update_id
        assert await world.updates.unfinished(BOT, after=after) == in_order[place + 1 :]


async def test_unfinished_of_some_parts(world: World) -> None:
    placed = [replace(update, partition=number) for number, update in enumerate(make_updates(1, 2, 3))]
    await world.updates.store(placed)
    assert await world.updates.unfinished(BOT, look=Look([0, 2])) == [placed[0], placed[2]]
    assert await world.updates.unfinished(BOT, look=Look([])) == []


async def test_unfinished_of_one_queue_and_of_all_but_some(world: World) -> None:
    first, second, older = make_updates(1, 2, 3)
    first, second = replace(first, queue="7:0"), replace(second, queue="7:5")
    await world.updates.store([first, second, older])
    assert await world.updates.unfinished(BOT, look=Look(queue="7:0")) == [first, older]
    assert await world.updates.unfinished(BOT, look=Look(without=["7:0"])) == [second, older]
    assert await world.updates.unfinished(BOT, look=Look(without=["7:0", "7:5"])) == [older]


async def test_tries_are_counted(world: World) -> None:
    first, second = make_updates(1, 2)
    await world.updates.store([replace(first, tries=Tries(1, 0)), second])
    await world.updates.note_tries(BOT, {1: Tries(2, 1, 2), 2: Tries(1, 0)})
    assert [update.tries for update in await world.updates.unfinished(BOT)] == [
        Tries(2, 1, 2),
        Tries(1, 0, 0),
    ]
    await world.updates.finish(BOT, [2])
    await world.updates.note_tries(BOT, {2: Tries(3, 0)})
    assert [update.update_id for update in await world.updates.unfinished(BOT)] == [1]


async def test_update_that_needs_no_work_is_known_and_not_found(world: World) -> None:
    done, other = make_updates(1, 2)
    done = replace(done, done=True)
    assert await world.updates.store([done, other]) == [done, other]
    assert await world.updates.unfinished(BOT) == [other]
    assert await world.updates.store([done]) == []


async def test_store_returns_the_waiting_updates_of_the_same_queue(world: World) -> None:
    await world.updates.store(_queued(4, 3, 2, 1))
    await world.updates.finish(BOT, [2])
    await world.updates.store([replace(update, queue="5:0") for update in make_updates(-7, 0)])
    assert await world.updates.store(_queued(3, 6), earlier=["1:0"]) == _queued(1, 3, 4, 6)
    assert await world.updates.store(_queued(7), earlier=["5:0"]) == _queued(7)


async def test_store_brings_a_hundred_of_a_long_backlog(world: World) -> None:
    await world.updates.store(_queued(*range(1, 301)))
    stored = await world.updates.store(_queued(400), earlier=["1:0"], known=range(1, 51))
    assert [update.update_id for update in stored] == [*range(51, 151), 400]


def _queued(*numbers: int) -> list[StoredUpdate]:
    return [replace(update, queue="1:0") for update in make_updates(*numbers)]


async def test_find_one_that_is_not_worked_off(world: World) -> None:
    [update] = await world.updates.store(make_updates(-8))
    assert await world.updates.find(BOT, -8) == update
    await world.updates.finish(BOT, [-8])
    assert await world.updates.find(BOT, -8) is None
