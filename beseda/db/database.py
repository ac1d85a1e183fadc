"""The database as repositories see it: functions over a connection, and rows for the next transaction."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from beseda.core.addresses import find_database_fault
from beseda.core.errors import SettingsError
from beseda.db.failure import to_storage_error
from beseda.db.group_commit import GroupWriter, Row, SharedLook, WriteEntry
from beseda.db.sqlite import SqliteBackend, find_file

T = TypeVar("T")
Request = TypeVar("Request")
Synchronous: TypeAlias = Literal["OFF", "NORMAL", "RECEIVED", "FULL", "EXTRA"]


# What a function sets in `connection.info` when somebody is to be told of what it has written.
TO_TELL = "to tell"


class Backend(Protocol):
    """Interface of a database driver."""

    async def connect(self) -> None:
        """Open the writing connection."""
        ...

    async def run(self, entries: Sequence[WriteEntry]) -> None:
        """Commit entries on the writing connection."""
        ...

    async def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Run `work` on a separate connection. `long` work uses other connections than those of the message path."""
        ...

    async def flush(self) -> None:
        """Return once all committed data survives a power cut, if the commits do not ensure that themselves."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Database:
    """One open database, SQLite or PostgreSQL, used from the event loop that opened it."""

    def __init__(self, backend: Backend, *, patience: float) -> None:
        self._backend = backend
        self._tell: Callable[[], None] | None = None
        self._writer = GroupWriter(backend.run, patience=patience)

    @classmethod
    async def open(cls, url: str, *, synchronous: Synchronous = "NORMAL", patience: float = 30.0) -> "Database":
        """Open the database at `url`. The tables are created by the migrations.

        `patience` is the number of seconds that a write waits for an unavailable database. `synchronous` is SQLite's
        pragma (https://www.sqlite.org/pragma.html#pragma_synchronous): NORMAL survives any death of this process, but
        loses the last transactions when the machine loses power; FULL survives that too, for one fsync per transaction.
        RECEIVED is NORMAL, with one fsync for `durable` writes. Raises SettingsError for an invalid URL, StorageError
        if the database cannot be reached.
        """
        backend = _build_backend(parse_url(url), synchronous)
        try:
            await backend.connect()
        except Exception as error:
            await backend.close()
            raise to_storage_error(error) from error
        return cls(backend, patience=patience)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` outside the writer and return its result: for short queries on the path of a message.

        Raises StorageError if the database fails, or takes longer than ten seconds.
        """
        return await self._read(work, long=False)

    async def read_long(self, work: Callable[[Connection], T]) -> T:
        """Run `work` that may take long: a list, a count, a report.

        It has separate connections from those of `read`, so that no chat waits for it. Raises StorageError if the
        database fails, or takes longer than a minute.
        """
        return await self._read(work, long=True)

    async def _read(self, work: Callable[[Connection], T], *, long: bool) -> T:
        try:
            return await self._backend.read(work, long=long)
        except Exception as error:
            mapped = to_storage_error(error)
            if mapped is error:
                raise
            raise mapped from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is shared with other callers, and return its result after the commit.

        It may run more than once (another entry of the batch failed, the connection was lost), so it must change only
        the database. All other writes wait for it. Raises the errors of `work`, or StorageError.
        """
        result, is_to_tell = cast("tuple[T, bool]", await self._writer.submit((), _marking(work), brief=False))
        self._told(is_to_tell)
        return result

    async def write_rows(self, rows: Sequence[Row], *, urgent: bool = False) -> None:
        """Write rows in the next transaction, all or none, and return after the commit; `urgent` ones go first.

        Rows of all callers are grouped by statement and run in the order of the statements' ranks. Raises StorageError
        if the database rejects a row or is unavailable.
        """
        await self._writer.submit(rows, urgent=urgent)

    async def write_and_read(self, rows: Sequence[Row], query: Callable[[Connection], T]) -> T:
        """Write rows like `write_rows`, then return the result of `query` inside the same transaction.

        On SQLite it runs on the event loop: it should read a key or two and nothing longer.
        """
        result, is_to_tell = cast("tuple[T, bool]", await self._writer.submit(rows, _marking(query)))
        self._told(is_to_tell)
        return result

    def listen(self, tell: Callable[[], None]) -> None:
        """Call the function after each commit that adds an event. It must neither wait nor raise."""
        self._tell = tell

    def _told(self, is_to_tell: bool) -> None:  # noqa: FBT001 - of one caller's transaction
        if is_to_tell and self._tell is not None:
            self._tell()

    async def write_and_look(
        self,
        rows: Sequence[Row],
        look: Callable[[Connection, Sequence[Request]], Sequence[T]],
        request: Request,
        *,
        durable: bool = False,
    ) -> T:
        """Write rows and read them as `write_and_read` does; all callers with the same `look` share one call of it.

        It receives the requests of all callers and returns as many results: with a distant server, the number of round
        trips decides how long all writes take.

        A `durable` write survives a power cut when this returns, unless SQLite's `synchronous` is NORMAL or OFF.
        """
        result = cast("T", await self._writer.submit(rows, SharedLook(look, request)))
        if durable:
            try:
                await self._backend.flush()
            except OSError as error:
                raise to_storage_error(error) from error
        return result

    async def close(self) -> None:
        """Write the queued entries and close every connection."""
        await self._writer.close()
        await self._backend.close()


def _marking(work: Callable[[Connection], T]) -> Callable[[Connection], tuple[T, bool]]:
    """Return `work` with a flag for whether it wrote events. The flag is reset first: the connection is shared."""

    def marked(connection: Connection) -> tuple[T, bool]:
        connection.info.pop(TO_TELL, None)
        return work(connection), bool(connection.info.pop(TO_TELL, False))

    return marked


def parse_url(url: str) -> URL:
    """Return a SQLite or PostgreSQL URL without a driver suffix. Raises SettingsError for any other URL."""
    try:
        fault = find_database_fault(url)
        parsed = make_url(url) if not fault else None
    except (ArgumentError, ValueError):
        # The URL itself may hold a password: it is not repeated.
        raise SettingsError(f"DATABASE_URL cannot be read. {_HINT}") from None
    if parsed is None:
        raise SettingsError(f"DATABASE_URL: {fault}")
    kind = parsed.get_backend_name()
    if kind == "postgres":
        kind = "postgresql"
    if kind not in {"sqlite", "postgresql"}:
        raise SettingsError(f"DATABASE_URL: {kind!r} is not supported. {_HINT}")
    if kind == "sqlite":
        find_file(parsed)
    elif not parsed.database:
        raise SettingsError(f"DATABASE_URL names no database. {_HINT}")
    return parsed.set(drivername=kind)


_HINT = "Use sqlite:///data/beseda.db or postgresql://user:password@host:5432/name"


def _build_backend(url: URL, synchronous: Synchronous) -> Backend:
    if url.drivername == "sqlite":
        return SqliteBackend(find_file(url), synchronous=synchronous)
    from beseda.db.postgres import PostgresBackend  # noqa: PLC0415 - asyncpg is not loaded for SQLite

    return PostgresBackend(url)
