"""Migrations, run by the program itself: from any folder, by several processes at once, and cheap if up to date.

Importing Alembic takes half a second, so a start first compares the stored revision with the expected one and imports
Alembic only if they differ. All revisions of an upgrade share one transaction under a lock: a second process waits and
finds the database up to date.
"""

import asyncio
import io
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from beseda.core.errors import SettingsError
from beseda.db.database import parse_url
from beseda.db.failure import to_storage_error
from beseda.db.schema import metadata
from beseda.db.sqlite import demand_log, find_file, prepare_file

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")
HEAD = "0022"
UPGRADE = "run `beseda db upgrade`"
"""The advice for a database that is older than this program."""

_LOCK_SECONDS = 60
# Any number will do, as long as every version of Beseda takes the same ("beseda" in ASCII).
_LOCK_NUMBER = 0x626573656461


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`. A missing SQLite file is created.

    Raises SettingsError if a newer Beseda has written it, StorageError if it cannot be reached.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        prepare_file(find_file(parsed))
    if revision != "head" or await _read_revision(parsed) != HEAD:
        await _connect(parsed, lambda connection: _upgrade(connection, revision))


async def read_revision(url: str) -> str | None:
    """Return the revision of the database at `url`, or None if it has no tables or the file does not exist."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not find_file(parsed).exists():
        return None
    return await _read_revision(parsed)


def knows_revision(revision: str) -> bool:
    """Return whether this version of the code has the migration `revision`."""
    return revision in _known_revisions()


async def run_exclusively(url: str, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction while no migration and, on SQLite, no other writer is active.

    SQLite's foreign keys are checked at the end, not meanwhile. Raises StorageError if the database fails.
    """
    return await _connect(parse_url(url), work)


async def downgrade(url: str, revision: str) -> None:
    """Downgrade the database to `revision` ("base" for empty). The contents of later tables are lost."""
    await _connect(parse_url(url), lambda connection: _downgrade(connection, revision))


async def check(url: str) -> list[str]:
    """Return the faults of the database's revision and write-ahead log, a sentence each; empty if it is up to date."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not find_file(parsed).exists():
        return [f"The database {find_file(parsed)} does not exist yet: {UPGRADE}."]
    current = await _read_revision(parsed)
    if current != HEAD:
        return [_describe(current)]
    if parsed.drivername == "sqlite":
        return await asyncio.to_thread(_check_log, find_file(parsed))
    return []


async def find_drift(url: str) -> list[str]:
    """Return the differences between the database's tables and the expected ones, in Alembic's words."""
    return await _connect(parse_url(url), _compare)


async def draft(message: str, folder: Path) -> Path:
    """Write a revision from the last one in `folder` to the current tables, and return its file.

    It is a first draft: review it, clean it up, and set HEAD to its number.
    """
    with tempfile.TemporaryDirectory(prefix="beseda-draft-") as scratch:
        return await asyncio.to_thread(
            _run_on_sqlite, Path(scratch) / "empty.db", lambda connection: _draft(connection, message, folder)
        )


def _draft(connection: Connection, message: str, folder: Path) -> Path:
    from alembic import command  # noqa: PLC0415 - half a second, needed only here

    number = f"{max(map(int, _known_revisions(folder)), default=0) + 1:04}"
    config = _build_config(connection, folder)
    command.upgrade(config, "head")
    command.revision(config, message, autogenerate=True, rev_id=number)
    return next((folder / "versions").glob(f"{number}_*.py"))


def _describe(current: str | None) -> str:
    if current is None:
        return f"The database has no tables yet: {UPGRADE}."
    if current not in _known_revisions():
        return (
            f"The database was written by a newer Beseda (its revision is {current}, this one knows up to {HEAD}): "
            "install that version, or use another DATABASE_URL."
        )
    return f"The database is at revision {current}, this Beseda needs {HEAD}: {UPGRADE}."


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - half a second, needed only here

    current = _stored_revision(connection)
    if current is not None and current not in _known_revisions():
        raise SettingsError(_describe(current))
    command.upgrade(_build_config(connection), revision)


def _downgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - half a second, needed only here

    command.downgrade(_build_config(connection), revision)


def _compare(connection: Connection) -> list[str]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - half a second, needed only here
    from alembic.migration import MigrationContext  # noqa: PLC0415

    opts = {"compare_server_default": True, "include_object": _is_expected}
    context = MigrationContext.configure(connection, opts=opts)
    return [str(difference) for difference in compare_metadata(context, metadata)]


def _is_expected(_item: object, name: str | None, kind: str, *_: object) -> bool:
    # An index of an extension that a server may lack (revision 0004).
    return not (kind == "index" and name is not None and name.endswith("_trgm"))


def find_scripts() -> Path:
    """Return the folder of revisions: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def _build_config(connection: Connection | None = None, folder: Path | None = None) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - half a second, needed only here

    config = Config(attributes={"connection": connection}, stdout=io.StringIO())
    # Alembic reads values with configparser, to which a % is the start of a name.
    config.set_main_option("script_location", str(folder or find_scripts()).replace("%", "%%"))
    return config


def _known_revisions(folder: Path | None = None) -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - half a second, needed only here

    return {script.revision for script in ScriptDirectory.from_config(_build_config(None, folder)).walk_revisions()}


def _stored_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return str(found) if found is not None else None


async def _read_revision(url: URL) -> str | None:
    if url.drivername == "sqlite":
        return await asyncio.to_thread(_read_sqlite_revision, find_file(url))
    return await _connect(url, _stored_revision, lock=False)


def _read_sqlite_revision(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(path, timeout=_LOCK_SECONDS)) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    except sqlite3.OperationalError as error:
        raise to_storage_error(OSError(str(error))) from error
    except sqlite3.DatabaseError as error:
        raise SettingsError(f"DATABASE_URL: {path} is not a SQLite database ({error})") from error
    return row[0] if row else None


def _check_log(path: Path) -> list[str]:
    """Return the fault of a database's write-ahead log in a sentence, or an empty list."""
    with closing(sqlite3.connect(path, timeout=_LOCK_SECONDS)) as connection:
        try:
            demand_log(connection, path)
        except SettingsError as error:
            return [f"{error.detail}."]
        except sqlite3.OperationalError as error:
            raise to_storage_error(OSError(str(error))) from error
    return []


async def _connect(url: URL, work: Callable[[Connection], T], *, lock: bool = True) -> T:
    try:
        if url.drivername == "sqlite":
            return await asyncio.to_thread(_run_on_sqlite, find_file(url), work)
        return await _run_on_postgres(url, work, lock=lock)
    except (SQLAlchemyError, OSError) as error:
        raise to_storage_error(error) from error


def _run_on_sqlite(path: Path, work: Callable[[Connection], T]) -> T:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": _LOCK_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Foreign keys stay off, which is this library's default: a table that is built anew may be dropped meanwhile.
        connection.isolation_level = None
        demand_log(connection, path)

    @event.listens_for(engine, "begin")
    def lock(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        result = work(connection)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise SettingsError(f"{len(broken)} rows would be left without their parents: nothing was changed")
    return result


async def _run_on_postgres(url: URL, work: Callable[[Connection], T], *, lock: bool) -> T:
    from beseda.db.postgres import build_engine  # noqa: PLC0415 - asyncpg is not loaded for SQLite

    engine = build_engine(url, command_timeout=None)
    try:
        async with engine.begin() as connection:
            if lock:
                await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
                await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")
                # A running bot must not stand still behind an ALTER that itself waits for a long query.
                await connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
