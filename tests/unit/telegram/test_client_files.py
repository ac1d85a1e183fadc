"""Files from a Bot API server of one's own: more of them, and over the disk that it shares with us."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from beseda.core.errors import FileTooLargeError, ToolError
from beseda.locales.errors import explain
from beseda.telegram.client import DOWNLOAD_LIMIT, LOCAL_LIMIT, BotApi, OversizedFileError, UnsharedFileError


@asynccontextmanager
async def local_server(file: Path, size: int) -> AsyncIterator[BotApi]:
    """A server that runs with --local and names a file of its disk."""

    async def get_file(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": {"file_id": "a", "file_size": size, "file_path": str(file)}})

    app = web.Application()
    app.router.add_post("/bot1:a/getFile", get_file)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with BotApi("1:a", server=f"http://127.0.0.1:{runner.addresses[0][1]}") as api:
        yield api
    await runner.cleanup()


def test_limit_is_that_of_the_server() -> None:
    assert BotApi("1:a").download_limit == DOWNLOAD_LIMIT
    assert BotApi("1:a", server="http://127.0.0.1:8081").download_limit == LOCAL_LIMIT


async def test_file_of_a_local_server_is_copied(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"abc")
    async with local_server(tmp_path / "theirs", 3) as api:
        assert await api.download("a", tmp_path / "ours", limit=api.download_limit) == 3
    assert (tmp_path / "ours").read_bytes() == b"abc"


async def test_file_that_is_not_there_or_too_large_leaves_nothing(tmp_path: Path) -> None:
    async with local_server(tmp_path / "gone", 3) as api:
        with pytest.raises(UnsharedFileError):
            await api.download("a", tmp_path / "ours")
    (tmp_path / "large").write_bytes(b"abcdef")
    async with local_server(tmp_path / "large", 0) as api:
        with pytest.raises(FileTooLargeError):
            await api.download("a", tmp_path / "ours", limit=5)
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("path", ["gone/1:a/voice/file_0.oga", "."])
async def test_a_path_that_is_not_shared_is_a_fault_of_the_set_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    async with local_server(tmp_path / path, 3) as api:
        with pytest.raises(UnsharedFileError) as told:
            await api.download("a", tmp_path / "ours")
    assert not told.value.retryable
    assert str(tmp_path) not in explain(told.value, "en") + explain(told.value, "ru")
    (record,) = caplog.records
    assert str(tmp_path / path).replace("1:a", "<token>") in record.getMessage()
    assert "share the folder" in record.getMessage()
    assert "1:a" not in record.getMessage()


async def test_our_own_disk_is_not_telegrams_fault(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"abc")
    async with local_server(tmp_path / "theirs", 3) as api:
        with pytest.raises(ToolError):
            await api.download("a", tmp_path / "missing" / "ours")


async def test_the_limit_of_the_public_server_is_not_named_by_a_private_one(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"abc")
    async with local_server(tmp_path / "theirs", 25 * 1024 * 1024) as api:
        assert await api.download("a", tmp_path / "ours") == 3
        with pytest.raises(OversizedFileError) as told:
            api.check_size(LOCAL_LIMIT + 1)
        assert "20" not in explain(told.value, "en")
    with pytest.raises(FileTooLargeError) as told_by_telegram:
        BotApi("1:a").check_size(DOWNLOAD_LIMIT + 1)
    assert "20 MB" in explain(told_by_telegram.value, "en")


async def test_the_beginning_of_a_file_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"OggS" * 100)
    async with local_server(tmp_path / "theirs", 400) as api:
        assert await api.peek("a", 6) == b"OggSOg"
