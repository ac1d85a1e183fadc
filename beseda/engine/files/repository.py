"""Metadata of stored files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.errors import IdTakenError
from beseda.db.database import Database
from beseda.db.paging import written
from beseda.engine.files.model import FileFilter, FileKind, FileOwner, FileSum, StoredFile
from beseda.engine.files.tables import files


class FileRepository:
    """Rows of files in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: StoredFile) -> None:
        """Store a file's row. It replaces an earlier row of the same id and owner."""
        await self._database.write(lambda connection: _add(connection, file))

    async def find(self, file_id: int, owner: FileOwner) -> StoredFile | None:
        """Return a file of this owner, or None."""
        query = select(files).where(files.c.id == file_id, _is_of(owner))
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return _load(row) if row is not None else None

    async def recent(self, owner: FileOwner, *, limit: int, offset: int = 0) -> list[StoredFile]:
        """Return some of an owner's files, newest first."""
        query = select(files).where(_is_of(owner)).order_by(files.c.id.desc()).limit(limit).offset(offset)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_load(row) for row in rows]

    async def sum(self, owner: FileOwner) -> FileSum:
        """Return the number of an owner's files, and their total size in bytes."""
        query = select(func.count(), func.coalesce(func.sum(files.c.size), 0)).where(_is_of(owner))
        count, size = await self._database.read_long(lambda connection: connection.execute(query).one())
        return FileSum(count, int(size))

    async def page(
        self, wanted: FileFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> list[StoredFile]:
        """Return files of all owners, newest first; `before` is the id of the last file of the previous page."""
        query = select(files).where(*_conditions(wanted)).order_by(files.c.id.desc()).limit(written(limit))
        query = query.offset(written(offset)) if before is None else query.where(files.c.id < before)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [_load(row) for row in rows]

    async def count(self, wanted: FileFilter) -> int:
        """Return the number of files that match the filter."""
        query = select(func.count()).select_from(files).where(*_conditions(wanted))
        return await self._database.read_long(lambda connection: connection.execute(query).scalar_one())

    async def get(self, file_id: int) -> StoredFile | None:
        """Return a file of any owner, or None."""
        query = select(files).where(files.c.id == file_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return _load(row) if row is not None else None

    async def older(self, before: datetime, *, limit: int) -> list[StoredFile]:
        """Return files stored before then, oldest first."""
        query = select(files).where(files.c.created_at < before).order_by(files.c.created_at).limit(limit)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [_load(row) for row in rows]

    async def after(self, file_id: int, *, limit: int) -> list[StoredFile]:
        """Return files of all owners with higher ids, in ascending order."""
        query = select(files).where(files.c.id > file_id).order_by(files.c.id).limit(limit)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [_load(row) for row in rows]

    async def paths(self, file_ids: Sequence[int]) -> dict[int, str]:
        """Return the paths by id, for the ids that have a row."""
        query = select(files.c.id, files.c.path).where(files.c.id.in_(file_ids))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.path for row in rows}

    async def remove(self, file_ids: Sequence[int]) -> int:
        """Delete rows and return their number."""
        change = delete(files).where(files.c.id.in_(file_ids))
        return await self._database.write(lambda connection: connection.execute(change).rowcount)


def _is_of(owner: FileOwner) -> ColumnElement[bool]:
    return and_(files.c.user_id == owner.user_id, files.c.bot == owner.bot)


def _conditions(wanted: FileFilter) -> list[ColumnElement[bool]]:
    columns = ("bot", "user_id", "kind")
    return [files.c[name] == value for name in columns if (value := getattr(wanted, name)) is not None]


def _add(connection: Connection, file: StoredFile) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(files).values(
        id=file.id,
        bot=file.owner.bot,
        user_id=file.owner.user_id,
        chat_id=file.chat_id,
        kind=file.kind.value,
        title=file.title,
        path=file.path,
        mime=file.mime,
        size=file.size,
        sha256=file.sha256,
        turn_id=file.turn_id,
        job_id=file.job_id,
        created_at=file.created_at,
    )
    names = ("kind", "title", "path", "mime", "size", "sha256", "turn_id", "job_id")
    new = statement.excluded
    written = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={name: new[name] for name in names},
            where=and_(files.c.user_id == new.user_id, files.c.bot == new.bot),
        )
    )
    if not written.rowcount:
        raise IdTakenError(f"file {file.id} is another person's")


def _load(row: Row[Any]) -> StoredFile:
    return StoredFile(
        row.id,
        FileOwner(row.bot, row.user_id),
        row.chat_id,
        FileKind(row.kind),
        row.title,
        row.path,
        row.mime,
        row.size,
        row.sha256,
        row.created_at,
        row.turn_id,
        row.job_id,
    )
