"""Metadata of stored files."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.errors import IdTakenError
from beseda.db.database import Database
from beseda.db.mapping import RowMapping
from beseda.db.paging import written
from beseda.engine.files.model import FileFilter, FileOwner, FileSum, StoredFile
from beseda.engine.files.tables import files

_FILES = RowMapping(StoredFile, files)
_FIXED = frozenset({"id", "bot", "user_id", "chat_id", "created_at"})  # a file that is written again keeps these


class FileRepository:
    """Rows of files in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: StoredFile) -> None:
        """Store a file's row. It replaces an earlier row of the same id and owner."""
        await self._database.write(lambda connection: _add(connection, file))

    async def find(self, file_id: int, owner: FileOwner) -> StoredFile | None:
        """Return a file of this owner, or None."""
        query = select(*_FILES.columns).where(files.c.id == file_id, _is_of(owner))
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return _FILES.load(row) if row is not None else None

    async def recent(self, owner: FileOwner, *, limit: int, offset: int = 0) -> list[StoredFile]:
        """Return some of an owner's files, newest first."""
        query = select(*_FILES.columns).where(_is_of(owner)).order_by(files.c.id.desc()).limit(limit).offset(offset)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return _FILES.load_all(rows)

    async def sum(self, owner: FileOwner) -> FileSum:
        """Return the number of an owner's files, and their total size in bytes."""
        query = select(func.count(), func.coalesce(func.sum(files.c.size), 0)).where(_is_of(owner))
        count, size = await self._database.read_long(lambda connection: connection.execute(query).one())
        return FileSum(count, int(size))

    async def page(
        self, wanted: FileFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> list[StoredFile]:
        """Return files of all owners, newest first; `before` is the id of the last file of the previous page."""
        query = select(*_FILES.columns).where(*_conditions(wanted)).order_by(files.c.id.desc()).limit(written(limit))
        query = query.offset(written(offset)) if before is None else query.where(files.c.id < before)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return _FILES.load_all(rows)

    async def count(self, wanted: FileFilter) -> int:
        """Return the number of files that match the filter."""
        query = select(func.count()).select_from(files).where(*_conditions(wanted))
        return await self._database.read_long(lambda connection: connection.execute(query).scalar_one())

    async def get(self, file_id: int) -> StoredFile | None:
        """Return a file of any owner, or None."""
        query = select(*_FILES.columns).where(files.c.id == file_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return _FILES.load(row) if row is not None else None

    async def older(self, before: datetime, *, limit: int) -> list[StoredFile]:
        """Return files stored before then, oldest first."""
        query = select(*_FILES.columns).where(files.c.created_at < before).order_by(files.c.created_at).limit(limit)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return _FILES.load_all(rows)

    async def after(self, file_id: int, *, limit: int) -> list[StoredFile]:
        """Return files of all owners with higher ids, in ascending order."""
        query = select(*_FILES.columns).where(files.c.id > file_id).order_by(files.c.id).limit(limit)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return _FILES.load_all(rows)

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
    values = _FILES.values(file)
    statement = insert(files).values(values)
    new = statement.excluded
    written = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={name: new[name] for name in values if name not in _FIXED},
            where=and_(files.c.user_id == new.user_id, files.c.bot == new.bot),
        )
    )
    if not written.rowcount:
        raise IdTakenError(f"file {file.id} is another person's")
