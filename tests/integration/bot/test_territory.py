"""One replica's share of the chats, from inside: leases that run out, parts that are handed over, lost, taken back."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beseda.core.errors import LeaseLostError, StorageError
from beseda.db.database import Database
from beseda.db.migrate import upgrade
from beseda.engine.shards.leases import LeaseTimes, ShardLeases
from beseda.engine.shards.repository import EVERYTHING, LeaseRequest, LeaseStatus, ShardLeaseRepository
from beseda.ephemeral.memory.bus import MemoryBus
from tests.parts.waiting import eventually

QUICK = LeaseTimes(1.0)


@dataclass
class Keeper:
    """A runner that does nothing, and remembers what it was told."""

    busy: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)
    taken_up: set[int] = field(default_factory=set)

    def is_busy(self, partition: int) -> bool:
        return partition in self.busy

    async def recover(
        self, partitions: Collection[int] | None = None, *, anew: bool = False, settled: bool = False
    ) -> int:
        self.taken_up |= set(partitions or ())
        return 0

    async def find_part(self, update_id: int) -> int | None:
        return update_id

    def withdraw(self, partitions: Collection[int], *, lost: bool = False) -> None:
        (self.lost if lost else self.withdrawn).update(partitions)

    async def let_go(self, partitions: Collection[int], *, lost: bool = False) -> None:
        pass


class Unsteady(ShardLeaseRepository):
    """A record that is away while `away` is set."""

    def __init__(self, store: ShardLeaseRepository) -> None:
        self._store = store
        self.away = False

    async def beat(self, claim: LeaseRequest) -> LeaseStatus:
        if self.away:
            raise StorageError("away")
        return await self._store.beat(claim)

    async def leave(self, bot: str, name: str) -> None:
        await self._store.leave(bot, name)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ShardLeaseRepository]:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await upgrade(url)
    database = await Database.open(url)
    yield ShardLeaseRepository(database)
    await database.close()


@asynccontextmanager
async def _running(territory: ShardLeases, keeper: Keeper) -> AsyncIterator[None]:
    await territory.join(keeper)
    task = asyncio.create_task(territory.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _has(territory: ShardLeases, count: int) -> bool:
    return len(territory.held) == count


async def test_busy_part_is_handed_over_when_it_is_idle(store: ShardLeaseRepository) -> None:
    bus = MemoryBus()
    first, second = ShardLeases("b", store, bus, QUICK), ShardLeases("b", store, bus, QUICK)
    one, two = Keeper(busy=set(range(40))), Keeper()
    async with _running(first, one), _running(second, two):
        # Idle ones go first: 24 of the 32.
        await eventually(lambda: _has(second, 24))
        assert not second.held & one.busy
        assert len(one.withdrawn & one.busy) == 8
        for part in one.withdrawn & one.busy:
            await first.confirm(part)  # what runs there may go on
        one.busy.clear()
        await eventually(lambda: _has(second, 32))
        assert first.held | second.held == EVERYTHING
        assert two.taken_up == second.held
        assert not one.lost | two.lost


async def test_beat_goes_on_while_a_part_waits_for_telegram(store: ShardLeaseRepository) -> None:
    bus = MemoryBus()
    first, second = ShardLeases("b", store, bus, QUICK), ShardLeases("b", store, bus, QUICK)
    flood = asyncio.Event()

    class Flooded(Keeper):
        async def let_go(self, partitions: Collection[int], *, lost: bool = False) -> None:
            self.lost |= set(partitions)
            if stuck & set(partitions):
                await flood.wait()

    stuck = set(range(10))
    one, two = Flooded(), Keeper()
    async with _running(first, one), _running(second, two):
        await eventually(lambda: _has(second, 32 - len(stuck & one.withdrawn)))
        beats = first._fresh_until
        for _ in range(3):  # several leases long

            async def has_beaten(since: float = beats) -> bool:
                return first._fresh_until > since

            await eventually(has_beaten)
            beats = first._fresh_until
        assert stuck & one.withdrawn
        for part in first.owned:
            await asyncio.wait_for(first.confirm(part), 0.5)
        flood.set()
        await eventually(lambda: _has(second, 32))


async def test_beat_goes_on_while_a_look_takes_long(store: ShardLeaseRepository) -> None:
    slow = asyncio.Event()

    class Slow(Keeper):
        async def recover(
            self, partitions: Collection[int] | None = None, *, anew: bool = False, settled: bool = False
        ) -> int:
            if settled:
                await slow.wait()
            return 0

    territory = ShardLeases("b", store, MemoryBus(), QUICK)
    async with _running(territory, Slow()):
        for _ in range(4):
            beats = territory._fresh_until

            async def has_beaten(since: float = beats) -> bool:
                return territory._fresh_until > since

            await eventually(has_beaten)


async def test_process_that_leaves_hands_everything_over_immediately(store: ShardLeaseRepository) -> None:
    bus = MemoryBus()
    slow = LeaseTimes(300.0)
    first, second = ShardLeases("b", store, bus, slow), ShardLeases("b", store, bus, slow)
    async with _running(second, Keeper()), _running(first, Keeper()):
        await eventually(lambda: _has(first, 32))
        await first.begin_to_leave()
        await eventually(lambda: _has(second, 64))
        await first.leave()
        assert not first.held


async def test_work_waits_for_the_database_once_the_lease_is_stale(store: ShardLeaseRepository) -> None:
    unsteady = Unsteady(store)
    territory, keeper = ShardLeases("b", unsteady, MemoryBus(), QUICK), Keeper()
    async with _running(territory, keeper):
        unsteady.away = True
        await eventually(lambda: _is_stale(territory))
        waiting = asyncio.create_task(territory.confirm(5))
        unsteady.away = False
        await asyncio.wait_for(waiting, 30)
        assert not keeper.lost


async def test_work_ends_if_another_process_has_taken_over(store: ShardLeaseRepository) -> None:
    unsteady = Unsteady(store)
    stopped, other = ShardLeases("b", unsteady, MemoryBus(), QUICK), ShardLeases("b", store, MemoryBus(), QUICK)
    keeper = Keeper()
    async with _running(stopped, keeper):
        unsteady.away = True
        async with _running(other, Keeper()):
            await eventually(lambda: _has(other, 64))
            waiting = asyncio.create_task(stopped.confirm(5))
            unsteady.away = False
            with pytest.raises(LeaseLostError):
                await asyncio.wait_for(waiting, 30)
            assert keeper.lost == EVERYTHING


async def test_nothing_waits_for_a_beat_at_the_end(store: ShardLeaseRepository) -> None:
    unsteady = Unsteady(store)
    territory = ShardLeases("b", unsteady, MemoryBus(), QUICK)
    async with _running(territory, Keeper()):
        unsteady.away = True
        await eventually(lambda: _is_stale(territory))
        waiting = asyncio.create_task(territory.confirm(5))
        territory.stop_waiting()
        with pytest.raises(LeaseLostError):
            await asyncio.wait_for(waiting, 30)


async def _is_stale(territory: ShardLeases) -> bool:
    try:
        await asyncio.wait_for(territory.confirm(5), 0.001)
    except TimeoutError:
        return True
    return False


async def test_call_that_outlives_its_lease_is_cancelled(store: ShardLeaseRepository) -> None:
    unsteady = Unsteady(store)
    territory = ShardLeases("b", unsteady, MemoryBus(), QUICK)
    async with _running(territory, Keeper()):
        begun = asyncio.Event()

        async def call() -> None:
            async with territory.hold(5):
                begun.set()
                await asyncio.Event().wait()

        calling = asyncio.create_task(call())
        await begun.wait()
        unsteady.away = True
        with pytest.raises(LeaseLostError):
            await asyncio.wait_for(calling, 3 * QUICK.seconds)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(territory.confirm(5), 0.001)


async def test_call_goes_on_while_its_lease_is_renewed(store: ShardLeaseRepository) -> None:
    territory = ShardLeases("b", store, MemoryBus(), QUICK)
    renewals = 0

    async def is_renewed() -> bool:
        return renewals > 6  # more than two leases

    async with _running(territory, Keeper()), territory.hold(5):
        beat = store.beat

        async def count(claim: LeaseRequest) -> LeaseStatus:
            nonlocal renewals
            renewals += 1
            return await beat(claim)

        store.beat = count  # type: ignore[method-assign]
        await eventually(is_renewed)
    assert territory.is_fresh(5)
