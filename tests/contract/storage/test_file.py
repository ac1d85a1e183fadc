"""Kept files: the service on a real folder over both databases."""

import asyncio
import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import NotFoundError, StorageError
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.files.model import FileKind, FileOwner, FileSum, NewFile
from beseda.engine.files.repository import FileRepository
from beseda.engine.files.service import DiskFullError, FileService, Swept
from beseda.engine.housekeeping import Housekeeping
from beseda.engine.jobs.model import JobRequest
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.updates.repository import UpdateRepository
from beseda.testing.clock import ManualClock

ANYA, BORYA = FileOwner("media", 7), FileOwner("media", 8)
HOURS = timedelta(hours=2).total_seconds()


class Shelf:
    """The service, its folder, and a short way to keep something."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.store = FileRepository(database)
        self.files = FileService(self.store, folder, self.clock)

    async def put(self, content: bytes = b"words", owner: FileOwner = ANYA, title: str = "Запись") -> int:
        new = NewFile(owner, owner.user_id, FileKind.TRANSCRIPT, title, ".txt")
        return (await self.files.save(new, content)).id

    def on_disk(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def age(self) -> None:
        """Make what is on disk as old as a sweep wants it."""
        then = self.clock.now().timestamp() - HOURS
        for path in self.on_disk():
            os.utime(path, (then, then))


@pytest.fixture
async def shelf(database: Database, tmp_path: Path) -> Shelf:
    for owner in (ANYA, BORYA):
        key = ChatKey("media", owner.user_id)
        await ConversationRepository(database).open(key, ChatKind.PRIVATE, "", Person(owner.user_id, "…"))
    return Shelf(database, tmp_path / "files")


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: writing more fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_file_comes_back_whole(shelf: Shelf) -> None:
    new = NewFile(ANYA, -(10**13), FileKind.DOCUMENT, "Протокол", ".DOCX")
    saved = await shelf.files.save(new, b"docx")
    found = await shelf.files.find(saved.id, ANYA)
    assert found == saved
    assert await shelf.files.read(found) == b"docx"
    assert (found.size, found.title, found.path[-5:]) == (4, "Протокол", ".docx")
    assert found.mime.endswith("wordprocessingml.document")
    assert found.sha256 == hashlib.sha256(b"docx").hexdigest()


async def test_copy_of_a_file_is_kept_and_the_source_stays(shelf: Shelf, tmp_path: Path) -> None:
    source = tmp_path / "big"
    content = os.urandom(3 * 1024 * 1024 + 1)
    source.write_bytes(content)
    saved = await shelf.files.save(NewFile(ANYA, 7, FileKind.PHOTO, "", ".jpg"), source)
    assert await shelf.files.read(saved) == content
    assert source.exists()


@pytest.mark.parametrize("suffix", ["/../../etc/passwd", ".t/x", "..", ".exe\0", ".слово", ".toolongsuffix"])
async def test_nothing_of_the_senders_gets_into_a_path(shelf: Shelf, suffix: str) -> None:
    new = NewFile(ANYA, 7, FileKind.DOCUMENT, "../../../etc/passwd", suffix)
    saved = await shelf.files.save(new, b"x")
    assert saved.path == f"{saved.path[:2]}/{saved.id}"
    assert shelf.on_disk() == [shelf.folder / saved.path]


async def test_files_of_one_moment_do_not_meet(shelf: Shelf) -> None:
    numbers = await asyncio.gather(*(shelf.put(b"%d" % number) for number in range(50)))
    found = [await shelf.files.find(number, ANYA) for number in numbers]
    assert [await shelf.files.read(file) for file in found] == [b"%d" % number for number in range(50)]
    assert len({file.path[:2] for file in found}) > 10


async def test_saved_again_under_its_id_a_file_is_replaced(shelf: Shelf) -> None:
    new = NewFile(ANYA, 7, FileKind.TRANSCRIPT, "…", ".txt")
    await shelf.files.save(new, b"half")
    await shelf.files.save(new, b"whole")
    page = await shelf.files.list(ANYA)
    assert [await shelf.files.read(file) for file in page.files] == [b"whole"]


async def test_pages_are_newest_first(shelf: Shelf) -> None:
    numbers = [await shelf.put(b"12345") for _ in range(5)]
    page = await shelf.files.list(ANYA, size=2)
    assert ([file.id for file in page.files], page.pages, page.sum) == (numbers[:2:-1], 3, FileSum(5, 25))
    last = await shelf.files.list(ANYA, page=99, size=2)
    assert ([file.id for file in last.files], last.number) == (numbers[:1], 2)
    assert await shelf.files.list(BORYA) == replace(page, files=(), pages=1, sum=FileSum())


async def test_others_files_are_not_found_and_not_deleted(shelf: Shelf) -> None:
    number = await shelf.put()
    for stranger in (BORYA, FileOwner("other", ANYA.user_id)):
        assert not await shelf.files.delete(number, stranger)
        with pytest.raises(NotFoundError):
            await shelf.files.find(number, stranger)
    assert await shelf.files.delete(number, ANYA)
    assert not await shelf.files.delete(number, ANYA)
    assert shelf.on_disk() == []


async def test_deleting_all_returns_the_number_of_rows(shelf: Shelf) -> None:
    for _ in range(3):
        await shelf.put(b"1234")
    await shelf.put(owner=BORYA)
    assert await shelf.files.delete_all(ANYA) == FileSum(3, 12)
    assert await shelf.files.used(ANYA) == FileSum()
    assert len(shelf.on_disk()) == 1


async def test_full_disk_leaves_nothing_behind(shelf: Shelf) -> None:
    with small_disk(1024 * 1024), pytest.raises(DiskFullError) as raised:
        await shelf.put(bytes(2 * 1024 * 1024))
    assert str(shelf.folder) not in raised.value.detail
    assert shelf.on_disk() == []
    assert await shelf.files.used(ANYA) == FileSum()
    assert await shelf.put()


async def test_unreadable_source_leaves_nothing_behind(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await shelf.files.save(NewFile(ANYA, 7, FileKind.PHOTO, ""), tmp_path / "none")
    assert shelf.on_disk() == []


async def test_row_that_is_refused_leaves_no_file(shelf: Shelf) -> None:
    with pytest.raises(StorageError):
        await shelf.put(owner=FileOwner("media", 404))
    assert shelf.on_disk() == []


async def test_cancelled_saving_leaves_no_file(shelf: Shelf) -> None:
    task = asyncio.create_task(shelf.put(bytes(8 * 1024 * 1024)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shelf.on_disk() == []


async def test_sweep_removes_files_without_rows_and_leftovers(shelf: Shelf) -> None:
    kept = await shelf.put()
    stray, part = shelf.folder / "ab" / "12345.txt", shelf.folder / "ab" / "12345.txt.1.part"
    stray.parent.mkdir(parents=True, exist_ok=True)
    for path in (stray, part):
        path.write_bytes(b"")
    then = shelf.clock.now().timestamp() + 1
    for path in shelf.on_disk():
        os.utime(path, (then, then))
    assert await shelf.files.sweep() == Swept()
    shelf.age()
    assert await shelf.files.sweep() == Swept(files=1, parts=1)
    assert shelf.on_disk() == [shelf.files.path(await shelf.files.find(kept, ANYA))]


async def test_sweep_removes_rows_without_files(shelf: Shelf) -> None:
    lost, kept = await shelf.put(), await shelf.put()
    path = shelf.files.path(await shelf.files.find(lost, ANYA))
    path.unlink()
    with pytest.raises(NotFoundError):
        await shelf.files.read(await shelf.files.find(lost, ANYA))
    assert await shelf.files.sweep() == Swept(rows=1)
    assert [file.id for file in (await shelf.files.list(ANYA)).files] == [kept]


async def test_housekeeping_lets_old_files_and_jobs_go(shelf: Shelf, database: Database) -> None:
    jobs = JobRepository(database, shelf.clock)
    await jobs.add(JobRequest(1, "test.run", {}, "media", 7, 7))
    new = NewFile(ANYA, 7, FileKind.TRANSCRIPT, "old", job_id=1)
    await shelf.files.save(new, b"x")
    await jobs.cancel(1)
    shelf.clock.shift(timedelta(days=9).total_seconds())
    young = await shelf.put()
    keeper = Housekeeping(UpdateRepository(database), jobs, shelf.files, shelf.clock, keep_days=30)
    await keeper.tidy()
    assert await jobs.find(1) is None
    assert (await shelf.files.find(new.id, ANYA)).job_id is None
    shelf.clock.shift(timedelta(days=23).total_seconds())
    await keeper.tidy()
    assert [file.id for file in (await shelf.files.list(ANYA)).files] == [young]
