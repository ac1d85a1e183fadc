"""Files from a Bot API server of one's own: more of them, and over the disk that it shares with us."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from beseda.errors import FileTooLargeError, TelegramUnavailableError
from beseda.telegram.client import DOWNLOAD_LIMIT, LOCAL_LIMIT, BotApi


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
        with pytest.raises(TelegramUnavailableError):
            await api.download("a", tmp_path / "ours")
    (tmp_path / "large").write_bytes(b"abcdef")
    async with local_server(tmp_path / "large", 0) as api:
        with pytest.raises(FileTooLargeError):
            await api.download("a", tmp_path / "ours", limit=5)
    assert not (tmp_path / "ours").exists()
