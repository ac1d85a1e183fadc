"""Files and jobs over the API."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse

from beseda.core.errors import NotFoundError
from beseda.web.downloads import send_file, write_disposition
from tests.parts.api_server import ApiServer


async def test_file_is_listed_shown_downloaded_deleted(api: ApiServer) -> None:
    await api.talk()
    kept = await api.keep_file(content=b"<script>\x00" * 50_000)
    place = f"/api/v1/files/{kept.id}"
    [item] = (await api.get("/api/v1/files", scope="read")).json["items"]
    assert (item["id"], item["title"], item["size"]) == (str(kept.id), "Интервью.txt", kept.size)
    assert (await api.get(place)).json == item
    content = await api.get(f"{place}/content", scope="read")
    assert hashlib.sha256(content.body).hexdigest() == item["sha256"]
    assert content.headers["Content-Type"] == "application/octet-stream"
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Content-Disposition"].startswith("attachment; ")
    assert (await api.call("DELETE", place, scope="write")).status == 204
    assert [(await api.get(f"{place}{end}")).status for end in ("", "/content")] == [404, 404]


async def test_file_that_has_lost_its_content(api: ApiServer) -> None:
    await api.talk()
    kept = await api.keep_file()
    api.app.engine.files.path(kept).unlink()
    assert (await api.get(f"/api/v1/files/{kept.id}/content")).status == 404


async def test_file_deleted_while_it_is_sent_arrives_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    await asyncio.to_thread(path.write_bytes, b"x" * 1_000_000)
    answer = await send_file(path, "long.txt")
    path.unlink()
    assert isinstance(answer, StreamingResponse)
    chunks = [chunk async for chunk in answer.body_iterator]
    assert sum(len(chunk) for chunk in chunks) == 1_000_000
    with pytest.raises(NotFoundError):
        await send_file(path, "long.txt")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("report.txt", "report.txt"),
        ("Интервью.txt", "________.txt"),
        ('a"; filename="evil.exe', "a__ filename__evil.exe"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
        ("", "file"),
        ("\ud800", "_"),
    ],
)
def test_name_of_a_download_is_only_a_name(name: str, plain: str) -> None:
    said = write_disposition(name)
    assert said.startswith(f'attachment; filename="{plain}"; filename*=UTF-8')
    assert said.isascii()
    assert said.isprintable()


async def test_job_is_listed_shown_cancelled_once(api: ApiServer) -> None:
    await api.talk()
    job = await api.enqueue()
    place = f"/api/v1/jobs/{job.id}"
    [item] = (await api.get("/api/v1/jobs?state=queued&kind=photo.enhance", scope="read")).json["items"]
    assert (item["id"], item["state"]) == (str(job.id), "queued")
    cancelled = await api.call("POST", f"{place}/cancel", scope="write")
    assert (cancelled.status, cancelled.json["state"]) == (202, "cancelled")
    assert (await api.call("POST", f"{place}/cancel")).status == 409
    assert (await api.get("/api/v1/jobs?state=queued")).json["total"] == 0


async def test_bots_are_listed_with_their_models(api: ApiServer) -> None:
    items = (await api.get("/api/v1/bots", scope="read")).json["items"]
    assert [(item["name"], item["running"]) for item in items] == [("assistant", None), ("llama", None)]
    assert (await api.get("/api/v1/bots/llama")).json["title"] == "LLaMA"
    assert (await api.get("/api/v1/bots/nobody")).status == 404
