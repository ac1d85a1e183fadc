"""Every row of a database in one consistent snapshot, restored into another database, across SQLite and PostgreSQL.

Tables are read as the database describes them, not as this code does: a snapshot taken before a migration contains the
columns of the old revision. Values are JSON: times are microseconds since 1970, bytes and JSON columns are tagged.
"""

import asyncio
import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import JSON, Column, Connection, DateTime, MetaData, Table, create_engine, event, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from beseda.core.errors import SettingsError
from beseda.db.database import parse_url
from beseda.db.failure import to_storage_error
from beseda.db.migrate import read_revision, run_exclusively
from beseda.db.sqlite import find_file

T = TypeVar("T")
Row: TypeAlias = list[Any]
TakeTable: TypeAlias = Callable[[str, list[str], Iterator[Row]], None]
"""Called with the name of a table, the names of its columns, and its rows, which can be read once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BATCH = 500
_REVISIONS = "alembic_version"


async def dump(url: str, take: TakeTable) -> str:
    """Pass every table of the database at `url` to `take`, all from one snapshot, and return the schema's revision.

    Other processes may write meanwhile. Raises SettingsError for a database without tables, StorageError if it fails.
    """
    parsed = parse_url(url)
    revision = await read_revision(url)
    if revision is None:
        raise SettingsError("the database has no tables yet: there is nothing to back up")
    try:
        if parsed.drivername == "sqlite":
            await asyncio.to_thread(_read_sqlite, parsed, lambda connection: _dump(connection, take))
        else:
            await _read_postgres(parsed, lambda connection: _dump(connection, take))
    except (SQLAlchemyError, OSError) as error:
        raise to_storage_error(error) from error
    return revision


async def is_in_use(url: str) -> bool:
    """Return whether a database contains people or API keys, which no migration creates."""
    return await run_exclusively(url, _is_in_use)


async def load(url: str, tables: Iterable[tuple[str, list[str], Iterable[Row]]]) -> None:
    """Replace all rows of the database at `url`, which is at the snapshot's revision, in one transaction.

    Raises SettingsError for a table or column that the database does not have, StorageError if it fails.
    """
    await run_exclusively(url, lambda connection: _load(connection, tables))


def _read_sqlite(url: URL, work: Callable[[Connection], T]) -> T:
    engine = create_engine(URL.create("sqlite", database=str(find_file(url))), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # this library would begin no transaction for a SELECT

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # with WAL, a view of this moment that locks nothing

    with engine.begin() as connection:
        return work(connection)


async def _read_postgres(url: URL, work: Callable[[Connection], T]) -> T:
    from beseda.db.postgres import build_engine  # noqa: PLC0415 - asyncpg is not loaded for SQLite

    engine = build_engine(url, command_timeout=None)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _reflect(connection: Connection) -> list[Table]:
    """Return the tables, parents before their children."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True
    return [table for table in metadata.sorted_tables if table.name != _REVISIONS]


def _dump(connection: Connection, take: TakeTable) -> None:
    for table in _reflect(connection):
        query = select(table).order_by(*table.primary_key.columns)
        is_json = [isinstance(column.type, JSON) for column in table.columns]
        with connection.execution_options(yield_per=_BATCH).execute(query) as rows:
            encoded = ([_encode(value, tag) for value, tag in zip(row, is_json, strict=True)] for row in rows)
            take(table.name, [column.name for column in table.columns], encoded)


def _encode(value: Any, is_json: bool) -> Any:  # noqa: FBT001 - one column's
    if value is None:
        return None
    if is_json:
        return {"json": value}
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value


def _decode(value: Any, column: Column[Any]) -> Any:
    if isinstance(value, dict):
        return value["json"] if "json" in value else base64.b64decode(value["base64"])
    if isinstance(value, int) and isinstance(column.type, DateTime):
        return _EPOCH + value * _MICROSECOND
    return value


def _is_in_use(connection: Connection) -> bool:
    tables = [table for table in _reflect(connection) if table.name in {"users", "api_keys"}]
    return any(connection.execute(select(table).limit(1)).first() is not None for table in tables)


def _load(connection: Connection, tables: Iterable[tuple[str, list[str], Iterable[Row]]]) -> None:
    known = {table.name: table for table in _reflect(connection)}
    for table in reversed(known.values()):
        connection.execute(table.delete())
    for name, columns, rows in tables:
        if name not in known or not set(columns) <= set(known[name].columns.keys()):
            raise SettingsError(f"the archive's table {name} does not fit this database")
        _fill(connection, known[name], columns, rows)
    if connection.dialect.name == "postgresql":
        _restart_sequences(connection, known.values())


def _fill(connection: Connection, table: Table, names: list[str], rows: Iterable[Row]) -> None:
    columns = [table.columns[name] for name in names]
    # A row may name one of the same table that comes later (a lead merged into another): such links come second.
    links = [column for column in columns if any(key.column.table is table for key in column.foreign_keys)]
    linked: list[dict[str, Any]] = []
    for batch in _batches(rows):
        values = [
            {column.name: _decode(value, column) for column, value in zip(columns, row, strict=True)} for row in batch
        ]
        for row in values:
            if any(row[column.name] is not None for column in links):
                linked.append(dict(row))
                row.update(dict.fromkeys(column.name for column in links))
        connection.execute(table.insert(), values)
    for row in linked:
        is_it = [column == row[column.name] for column in table.primary_key.columns]
        connection.execute(table.update().where(*is_it).values({column.name: row[column.name] for column in links}))


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _restart_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    for table in tables:
        for column in table.primary_key.columns:
            where = {"table": f'"{table.name}"', "column": column.name}
            sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), where).scalar_one()
            if sequence is not None:
                largest = f'(SELECT max("{column.name}") FROM "{table.name}")'  # noqa: S608 - our own names
                connection.execute(
                    text(f"SELECT setval(:sequence, coalesce({largest}, 0) + 1, false)"), {"sequence": sequence}
                )
