"""A write that waits for the database is dropped once the lease that allowed it is stale."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import OperationalError

from beseda.core.errors import LeaseLostError
from beseda.db.database import Database
from beseda.db.group_commit import GroupWriter, WriteEntry, fenced


class _Away:
    """A backend that is away until `back` is set, and notes what it committed."""

    def __init__(self) -> None:
        self.back = asyncio.Event()
        self.tried = asyncio.Event()
        self.committed: list[object] = []

    async def run(self, entries: Sequence[WriteEntry]) -> None:
        self.tried.set()
        if not self.back.is_set():
            raise OperationalError("", {}, ConnectionError("away"), connection_invalidated=True)
        for entry in entries:
            self.committed.append(entry.work)
            entry.settled = True


async def test_write_whose_lease_ended_in_an_outage_is_not_made() -> None:
    backend, leases = _Away(), {"own": True}
    writer = GroupWriter(backend.run, patience=10)

    def fenced_work(_: object) -> None: ...
    def other_work(_: object) -> None: ...

    with fenced(lambda: leases["own"]):
        old = asyncio.create_task(writer.submit((), fenced_work))
    await backend.tried.wait()
    other = asyncio.create_task(writer.submit((), other_work))
    leases["own"] = False
    backend.back.set()
    with pytest.raises(LeaseLostError):
        await asyncio.wait_for(old, 30)
    await asyncio.wait_for(other, 30)
    await writer.close()
    assert backend.committed == [other_work]


async def test_fence_is_that_of_the_block_alone(database: Database) -> None:
    with fenced(lambda: False), pytest.raises(LeaseLostError):
        await database.write_rows([])
    with fenced(lambda: True):
        await database.write_rows([])
    await database.write_rows([])
