"""The client against the server that ships, and against servers that answer anything else."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from beseda.core.errors import (
    BesedaError,
    PhotoTooLargeError,
    ProtocolError,
    RejectedRequestError,
    TimedOutError,
    UnavailableError,
    UnreadablePhotoError,
)
from beseda.images.base import EnhanceOptions
from beseda.images.gfpgan_http import GfpganHttp, HttpSettings
from beseda.images.process_pool import ImageProcessPool
from tests.contract.images.gfpgan_parts import GfpganServer, serve_answer
from tests.parts.photo_samples import SAMPLES
from tests.parts.waiting import eventually

PHOTO = SAMPLES / "photo.jpg"


@pytest.fixture
async def enhancer(server: GfpganServer, tmp_path: Path) -> AsyncIterator[GfpganHttp]:
    client = GfpganHttp(HttpSettings(f"{server.url}/gfpgan-enhance", work_dir=tmp_path / "work"), ImageProcessPool())
    yield client
    await client.close()


async def test_server_obeys_the_request(enhancer: GfpganHttp, server: GfpganServer, tmp_path: Path) -> None:
    made = await enhancer.enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(3, only_center_face=True))
    assert server.restorer.asked == [((320, 240), 3, True)]
    assert (made.width, made.faces, made.backend) == (960, 1, "gfpgan_http")


async def test_every_face_is_restored_unless_asked(enhancer: GfpganHttp, server: GfpganServer, tmp_path: Path) -> None:
    made = await enhancer.enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions())
    assert server.restorer.asked == [((320, 240), 4, False)]
    assert made.faces == 2


async def test_server_s_failure_keeps_its_secrets(enhancer: GfpganHttp, server: GfpganServer, tmp_path: Path) -> None:
    server.restorer.broken = True
    with pytest.raises(UnavailableError, match="HTTP 500") as caught:
        await enhancer.enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    assert "secret" not in str(caught.value)
    assert list((tmp_path / "work").iterdir()) == []


async def test_request_that_comes_too_late_is_asked_to_come_back(tmp_path: Path) -> None:
    async with GfpganServer() as server:
        server.restorer.gate = threading.Event()
        client = GfpganHttp(HttpSettings(server.url, work_dir=tmp_path), ImageProcessPool())
        async with asyncio.TaskGroup() as group:
            outcomes = [group.create_task(_try(client, tmp_path / f"{number}.jpg")) for number in range(11)]

            async def are_refused() -> bool:
                return sum(task.done() for task in outcomes) == 2

            await eventually(are_refused, within=60)
            server.restorer.gate.set()
        await client.close()
    assert sorted(task.result() for task in outcomes) == [0.0] * 9 + [30.0] * 2


async def _try(client: GfpganHttp, target: Path) -> float:
    try:
        await client.enhance(SAMPLES / "gray.png", target, EnhanceOptions(1))
    except UnavailableError as error:
        return error.retry_after or -1.0
    return 0.0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (web.Response(status=413, text="too large"), PhotoTooLargeError),
        (web.Response(status=422, text="no photo"), UnreadablePhotoError),
        (web.Response(status=400, text="bad query"), RejectedRequestError),
        (web.Response(status=404, text="no such page"), ProtocolError),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), ProtocolError),
        (web.Response(status=503, text="busy"), UnavailableError),
        (web.Response(status=503, text="<p>a long page of a proxy</p>" * 1000), UnavailableError),
        (web.Response(text="<html>Welcome to the proxy</html>", content_type="text/html"), ProtocolError),
        (web.Response(body=(SAMPLES / "bomb.png").read_bytes(), content_type="image/png"), ProtocolError),
        (None, TimedOutError),
    ],
)
async def test_other_answers_are_named(answer: web.Response | None, kind: type[BesedaError], tmp_path: Path) -> None:
    url, runner = await serve_answer(answer)
    client = GfpganHttp(HttpSettings(url, timeout=1.0, work_dir=tmp_path / "work"), ImageProcessPool())
    with pytest.raises(kind):
        await client.enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    assert list((tmp_path / "work").iterdir()) == []
    await client.close()
    await runner.cleanup()


async def test_server_that_is_down_is_reported(tmp_path: Path) -> None:
    client = GfpganHttp(HttpSettings("http://127.0.0.1:9", work_dir=tmp_path), ImageProcessPool())
    with pytest.raises(UnavailableError):
        await client.enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    health = await client.check()
    assert not health.ok
    assert "http://127.0.0.1:9" in health.detail
    await client.close()
