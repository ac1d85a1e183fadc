"""The process of a photo: bounded in number, time and memory, and gone when nobody waits for it."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest
from PIL import Image

from beseda.core.errors import PhotoTooLargeError, ToolError
from beseda.core.subprocesses import run
from beseda.images.process_pool import ImageProcessPool
from tests.parts.photo_samples import SAMPLES
from tests.parts.waiting import eventually


def workers() -> list[psutil.Process]:
    """Return the processes of photos that this test has started."""
    found = []
    for child in psutil.Process(os.getpid()).children(recursive=True):
        try:
            if "beseda.images._worker" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A photo that takes a second."""
    path = tmp_path / "large.png"
    Image.linear_gradient("L").resize((4900, 4900)).save(path, compress_level=1)
    return path


async def test_cancelled_work_leaves_no_process_and_no_file(large: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    work = asyncio.create_task(ImageProcessPool().enhance(large, out / "better.png", 1))

    async def has_begun() -> bool:
        return bool(workers())

    await eventually(has_begun)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert workers() == []
    assert names_in(out) == set()


async def test_photo_that_takes_too_long_is_ended(large: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"did not end within 0.2 s"):
        await ImageProcessPool(timeout=0.2).enhance(large, tmp_path / "better.png", 1)
    assert workers() == []
    assert not (tmp_path / "better.png").exists()


async def test_photo_that_needs_more_memory_than_allowed_is_refused(large: Path, tmp_path: Path) -> None:
    with pytest.raises(PhotoTooLargeError):
        await ImageProcessPool(memory=200 * 1024**2).enhance(large, tmp_path / "better.png", 1)
    assert names_in(tmp_path) == {"large.png"}


async def test_no_more_concurrent_photos_than_slots(large: Path, tmp_path: Path) -> None:
    darkroom = ImageProcessPool(asyncio.Semaphore(1))
    tasks = [asyncio.create_task(darkroom.enhance(large, tmp_path / f"{number}.jpg", 1)) for number in range(2)]
    most = 0

    async def are_done() -> bool:
        nonlocal most
        most = max(most, len(workers()))
        return all(task.done() for task in tasks)

    await eventually(are_done, within=30)
    assert most == 1
    assert [task.result().width for task in tasks] == [4900, 4900]


async def test_before_and_after_stand_side_by_side(tmp_path: Path) -> None:
    darkroom = ImageProcessPool()
    await darkroom.enhance(SAMPLES / "turned.jpg", tmp_path / "after.png", 2)
    await darkroom.compare(SAMPLES / "turned.jpg", tmp_path / "after.png", tmp_path / "pair.jpg")
    with Image.open(tmp_path / "pair.jpg") as pair:
        assert pair.size == (2 * 128 + 16, 192)


async def test_full_disk_is_this_machine_s_fault_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files fails in mid-write as a full disk does.
    script = (
        "import asyncio, resource, signal; from pathlib import Path\n"
        "from beseda.images.process_pool import ImageProcessPool\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"asyncio.run(ImageProcessPool().enhance(Path({str(SAMPLES / 'photo.jpg')!r}), Path('better.png'), 2))\n"
    )
    ended = await run([sys.executable, "-B", "-c", script], timeout=30)
    assert b"ToolError" in ended.stderr
    assert b"File too large" in ended.stderr
    assert names_in(Path.cwd()) == set()
