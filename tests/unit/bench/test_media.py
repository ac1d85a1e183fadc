"""What the media figures rest on: files go out under many ids, and a result counts only when all of it came."""

import io
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bench.media import Batch
from bench.media_servers import MediaCrowd, Sender, Upload, open_media_crowd
from bench.telegram_server import TOKEN

WHOLE = frozenset({"sendDocument of .srt", "sendDocument of .txt"})


@pytest.fixture
async def crowd() -> AsyncIterator[MediaCrowd]:
    async with open_media_crowd() as (crowd, _):
        crowd.telegram.files = {"opus": b"sound"}
        yield crowd


async def fetch(crowd: MediaCrowd, path: str, **fields: str) -> tuple[int, bytes]:
    """GET a path of the Bot API server, or POST fields to it."""
    url = f"{crowd.servers[0].url}/{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request("POST" if fields else "GET", url, json=fields or None) as response,
    ):
        return response.status, await response.read()


async def send(crowd: MediaCrowd, method: str, *names: str, chat: int = 7) -> int:
    """Upload files as a bot does and return the status of the answer."""
    form = aiohttp.FormData({"chat_id": str(chat), "caption": "chat_id"})
    for number, name in enumerate(names):
        form.add_field(f"file{number}", io.BytesIO(bytes(5_000_000)), filename=name)
    url = f"{crowd.servers[0].url}/bot{TOKEN}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as response:
        return response.status


def upload(name: str, moment: float) -> Upload:
    """A document that somebody got."""
    return Upload(7, "sendDocument", (name,), moment)


async def test_one_file_goes_out_under_many_ids(crowd: MediaCrowd) -> None:
    for file_id in ("opus-1", "opus-2"):
        status, found = await fetch(crowd, f"bot{TOKEN}/getFile", file_id=file_id)
        assert (status, b'"file_size":5' in found) == (200, True)
        assert await fetch(crowd, f"file/bot{TOKEN}/{file_id}") == (200, b"sound")


async def test_unknown_file_is_refused(crowd: MediaCrowd) -> None:
    assert (await fetch(crowd, f"bot{TOKEN}/getFile", file_id="mp3-1"))[0] == 400
    assert (await fetch(crowd, f"file/bot{TOKEN}/mp3-1"))[0] == 404


async def test_uploads_reach_their_sender_and_others_are_strays(crowd: MediaCrowd) -> None:
    crowd.write_as(7, {"text": "Audio"})
    assert await send(crowd, "sendDocument", "transcript.txt") == 200
    assert await send(crowd, "sendMediaGroup", "before.jpg", "after.jpg") == 200
    assert await send(crowd, "sendMediaGroup", "alone.jpg") == 400
    assert [item.kind for item in crowd.senders[7].uploads] == ["sendDocument of .txt", "sendMediaGroup of .jpg"]
    assert await send(crowd, "sendDocument", "lost.txt", chat=8) == 200
    assert crowd.strays == ["sendDocument of .txt"]


async def test_result_for_a_sender_is_no_answer_to_another(crowd: MediaCrowd) -> None:
    crowd.write_as(7, {"text": "Audio"})
    await fetch(crowd, f"bot{TOKEN}/sendMessage", chat_id="7", text="Mode: Audio")
    assert crowd.senders[7].said == ["Mode: Audio"]
    assert not crowd.strays


async def test_recogniser_has_heard_an_hour_with_times() -> None:
    async with (
        open_media_crowd() as (_, url),
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/audio/transcriptions", data={"model": "any"}) as response,
    ):
        heard = await response.json()
    assert heard["segments"][-1]["end"] == heard["duration"] == 3600


def test_result_arrives_with_its_last_part() -> None:
    whole = Sender(uploads=[upload("a.srt", 12.0), upload("a.txt", 15.0)])
    half = Sender(uploads=[upload("b.srt", 11.0)])
    batch = Batch({1: whole, 2: half}, started=10.0, complete=WHOLE)
    assert batch.arrivals() == [5.0]
    assert not batch.is_done
    half.uploads.append(upload("b.txt", 13.0))
    assert batch.arrivals() == [3.0, 5.0]
    assert batch.is_done
