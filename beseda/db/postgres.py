"""PostgreSQL with asyncpg: one connection writes, a pool reads."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from beseda.core.backoff import Backoff
from beseda.db.failure import is_passing
from beseda.db.group_commit import WriteEntry, commit_entries
from beseda.db.postgres_url import read_address

T = TypeVar("T")
# Kept, once opened: those beyond a pool are closed after every use, and a burst pays 20 ms for each anew.
_CONNECTIONS = 10
_LONG_CONNECTIONS = 4
_COMMAND_SECONDS, _LONG_SECONDS = 15.0, 60.0
_READ_PATIENCE = 10.0


class PostgresBackend:
    """Runs the same synchronous functions as SQLite, with SQLAlchemy's bridge to asyncpg."""

    def __init__(self, url: URL) -> None:
        self._engine = build_engine(url)
        # Each statement is consistent by itself, and several are no more so within a transaction (READ COMMITTED):
        # one around every read would be two journeys more. The pool is the same.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        # Ten long reads would otherwise leave no connection to the path of a message.
        self._long_engine = build_engine(url, command_timeout=_LONG_SECONDS, connections=_LONG_CONNECTIONS)
        self._long_reading = self._long_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: AsyncConnection | None = None
        self._backoff = Backoff(first=0.05, cap=1.0)

    async def connect(self) -> None:
        """Open the writing connection. Raises the driver's errors."""
        self._connection = await self._engine.connect()

    async def run(self, entries: Sequence[WriteEntry]) -> None:
        """Commit entries. A broken connection is dropped, and the next call opens another."""
        if self._connection is None:
            await self.connect()
        assert self._connection is not None  # noqa: S101 - connect() either sets it or raises
        try:
            await self._connection.run_sync(commit_entries, entries)
        except BaseException:
            broken, self._connection = self._connection, None
            await broken.invalidate()
            await broken.close()
            raise

    async def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Run `work` on a connection of the pool. After a restart of the server it is retried for ten seconds."""
        loop = asyncio.get_running_loop()
        deadline, attempt = loop.time() + _READ_PATIENCE, 0
        while True:
            try:
                async with (self._long_reading if long else self._reading).connect() as connection:
                    return await connection.run_sync(work)
            except Exception as error:
                delay = self._backoff.delay(attempt)
                if not is_passing(error) or loop.time() + delay > deadline:
                    raise
            await asyncio.sleep(delay)
            attempt += 1

    async def close(self) -> None:
        """Close every connection."""
        if self._connection is not None:
            await self._connection.close()
        await self._engine.dispose()
        await self._long_engine.dispose()

    async def flush(self) -> None:
        """Return immediately: a commit of PostgreSQL is on the disk, unless the server is configured otherwise."""


def build_engine(
    url: URL, *, command_timeout: float | None = _COMMAND_SECONDS, connections: int = _CONNECTIONS
) -> AsyncEngine:
    """Return an engine with a time limit on every wait. A migration may disable the limit on statements."""
    address = read_address(url)
    return create_async_engine(
        address.url.set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_READ_PATIENCE,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={"command_timeout": command_timeout, **address.arguments},
    )
