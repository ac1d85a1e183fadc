"""Model files by address and hash, behind a server of this machine: resumed, checked, bounded by the disk."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from beseda.core.errors import ProtocolError, SettingsError, ToolError, UnavailableError
from beseda.llm.model_files import ModelFiles, ModelSource
from beseda.testing.clock import ManualClock

CONTENT = b"GGUF" + bytes(range(256)) * 16_000
HASH = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class FileServer:
    """Serves one file. A cut connection ends after `cut_after` bytes, so many times."""

    content: bytes = CONTENT
    cuts: int = 0
    cut_after: int = 1_000_000
    status: int = 0
    knows_ranges: bool = True
    ranges: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        wanted = request.headers.get("Range", "")
        self.ranges.append(wanted)
        if self.status:
            return web.Response(status=self.status)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.knows_ranges else 0
        if start >= len(self.content):
            return web.Response(status=416)
        body = self.content[start:]
        response = web.StreamResponse(status=206 if start else 200, headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        if self.cuts:
            self.cuts -= 1
            await response.write(body[: self.cut_after])
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(body)
        return response


@asynccontextmanager
async def serving(**how: object) -> AsyncIterator[FileServer]:
    server = FileServer(**how)  # type: ignore[arg-type]
    app = web.Application()
    app.router.add_get("/files/model.gguf", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/files/model.gguf"
    try:
        yield server
    finally:
        await runner.cleanup()


def open_files(folder: Path) -> ModelFiles:
    return ModelFiles(folder / "models", ManualClock(instant=True))


async def test_a_file_is_fetched_once_and_checked(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    async with serving() as server:
        source = ModelSource.read(server.url, f"sha256:{HASH.upper()}")
        path = await open_files(tmp_path).fetch(source, lambda done, total: told.append((done, total)))
        assert await open_files(tmp_path).fetch(source) == path
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert server.ranges == [""]
    assert [one.name for one in (tmp_path / "models").iterdir()] == ["model.gguf"]


async def test_a_cut_connection_is_gone_on_with(tmp_path: Path) -> None:
    async with serving(cuts=2) as server:
        path = await open_files(tmp_path).fetch(ModelSource.read(server.url, HASH))
    assert path.read_bytes() == CONTENT
    assert server.ranges[0] == ""
    assert all(one.startswith("bytes=") for one in server.ranges[1:])


async def test_a_server_without_ranges_begins_again(tmp_path: Path) -> None:
    async with serving(cuts=1, knows_ranges=False) as server:
        path = await open_files(tmp_path).fetch(ModelSource.read(server.url, HASH))
    assert path.read_bytes() == CONTENT


async def test_a_connection_that_breaks_for_ever_leaves_the_received_part_for_the_next_call(tmp_path: Path) -> None:
    async with serving(cuts=1) as server:
        source = ModelSource.read(server.url, HASH)
        server.status = 0
        files = open_files(tmp_path)
        fetching = asyncio.create_task(files.fetch(source, lambda done, _: setattr(server, "status", 503)))
        with pytest.raises(UnavailableError) as told:
            await fetching
        assert "goes on where it stopped" in told.value.detail
        server.status = 0
        assert (await files.fetch(source)).read_bytes() == CONTENT
        assert server.ranges[-1].startswith("bytes=")


async def test_a_wrong_hash_is_removed(tmp_path: Path) -> None:
    async with serving() as server:
        with pytest.raises(ProtocolError) as told:
            await open_files(tmp_path).fetch(ModelSource.read(server.url, "0" * 64))
    assert HASH in told.value.detail
    assert list((tmp_path / "models").iterdir()) == []


async def test_a_full_disk_is_reported_as_such(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f"model.gguf.{HASH[:8]}.part").symlink_to("/dev/full")
    async with serving() as server:
        with pytest.raises(ToolError) as told:
            await open_files(tmp_path).fetch(ModelSource.read(server.url, HASH))
    assert "the disk is full" in told.value.detail


@pytest.mark.parametrize(
    ("how", "words"), [({"status": 404}, "HTTP 404"), ({"content": b"<html>Sign in</html>"}, "no GGUF file")]
)
async def test_invalid_model_file_is_refused(tmp_path: Path, how: dict[str, object], words: str) -> None:
    async with serving(**how) as server:
        with pytest.raises(ProtocolError) as told:
            await open_files(tmp_path).fetch(ModelSource.read(server.url, HASH))
    assert words in told.value.detail


@pytest.mark.parametrize(
    ("url", "sha256"),
    [
        ("ftp://a.example/m.gguf", HASH),
        ("https://a.example/m.bin", HASH),
        ("https://a.example/m.gguf", ""),
        ("https://a.example/m.gguf", "abc"),
    ],
)
def test_a_wrong_source_is_named(url: str, sha256: str) -> None:
    with pytest.raises(SettingsError):
        ModelSource.read(url, sha256)


def test_a_name_from_an_address_stays_in_its_folder() -> None:
    assert ModelSource.read("https://a.example/x/..%2F..%2Fevil.gguf", HASH).name == "_.._evil.gguf"
