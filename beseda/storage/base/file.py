"""Stored files, as services see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.file import FileFilter, FileOwner, FileSum, StoredFile


class FileStore(Protocol):
    """Metadata of stored files. Ids increase with time, so the newest file has the highest id."""

    async def add(self, file: StoredFile) -> None:
        """Store a file's row. It replaces an earlier row of the same id and owner."""
        ...

    async def find(self, file_id: int, owner: FileOwner) -> StoredFile | None:
        """Return a file of this owner, or None."""
        ...

    async def recent(self, owner: FileOwner, *, limit: int, offset: int = 0) -> list[StoredFile]:
        """Return some of an owner's files, newest first."""
        ...

    async def sum(self, owner: FileOwner) -> FileSum:
        """Return the number of an owner's files, and their total size in bytes."""
        ...

    async def page(
        self, wanted: FileFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> list[StoredFile]:
        """Return files of all owners, newest first; `before` is the id of the last file of the previous page."""
        ...

    async def count(self, wanted: FileFilter) -> int:
        """Return the number of files that match the filter."""
        ...

    async def get(self, file_id: int) -> StoredFile | None:
        """Return a file of any owner, or None."""
        ...

    async def older(self, before: datetime, *, limit: int) -> Sequence[StoredFile]:
        """Return files stored before then, oldest first."""
        ...

    async def after(self, file_id: int, *, limit: int) -> Sequence[StoredFile]:
        """Return files of all owners with higher ids, in ascending order."""
        ...

    async def paths(self, file_ids: Sequence[int]) -> dict[int, str]:
        """Return the paths by id, for the ids that have a row."""
        ...

    async def remove(self, file_ids: Sequence[int]) -> int:
        """Delete rows and return their number."""
        ...
