"""The server of deploy/gfpgan, asked by any client."""

import aiohttp
import pytest

from tests.contract.images.gfpgan_parts import GfpganServer
from tests.parts.photo_samples import SAMPLES


async def ask(server: GfpganServer, query: str, name: str = "photo.jpg", field: str = "file") -> tuple[int, str, bytes]:
    form = aiohttp.FormData()
    form.add_field(field, (SAMPLES / name).read_bytes(), filename="../../etc/passwd")
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.url + "/gfpgan-enhance" + query, data=form) as got,
    ):
        return got.status, got.content_type, await got.read()


async def test_defaults_are_the_document_s(server: GfpganServer) -> None:
    status, kind, body = await ask(server, "")
    assert (status, kind, body[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert server.restorer.asked == [((320, 240), 2, False)]


async def test_auto_considers_the_size_and_restores_every_face(server: GfpganServer) -> None:
    await ask(server, "?auto=true&only_center_face=true&upscale=1&ext=png")
    assert server.restorer.asked == [((320, 240), 4, False)]


@pytest.mark.parametrize("query", ["?upscale=5", "?upscale=two", "?ext=gif", "?auto=perhaps", "?only_center_face=2"])
async def test_query_that_makes_no_sense_is_refused(server: GfpganServer, query: str) -> None:
    status, _, body = await ask(server, query)
    assert status == 400
    assert query[1:].partition("=")[0].encode() in body
    assert server.restorer.asked == []


@pytest.mark.parametrize(
    ("name", "status"), [("bomb.png", 413), ("text.jpg", 422), ("empty.jpg", 422), ("truncated.jpg", 422)]
)
async def test_bad_photo_is_refused(server: GfpganServer, name: str, status: int) -> None:
    assert (await ask(server, "", name))[0] == status
    assert server.restorer.asked == []


async def test_form_without_a_file_is_refused(server: GfpganServer) -> None:
    assert (await ask(server, "", field="photo"))[0] == 400


async def test_failure_reveals_nothing_internal(server: GfpganServer) -> None:
    server.restorer.broken = True
    status, _, body = await ask(server, "")
    assert status == 500
    assert b"secret" not in body
    server.restorer.broken = False
    assert (await ask(server, ""))[0] == 200
