"""What only one of the wires knows: times, sound within JSON, the day a model ends."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beseda.core.errors import CreditExhaustedError
from beseda.speech.base import Segment, Transcriber
from beseda.speech.registry import SpeechSettings, build_transcriber
from tests.parts.speech_server import MODEL, Fault, SpeechServer


@asynccontextmanager
async def connect(server: SpeechServer, spec: str, url: str = "") -> AsyncGenerator[Transcriber, None]:
    name = spec.partition(":")[0]
    built = build_transcriber(SpeechSettings(spec, {name: "k"}, {name: url or server.base_url}))
    yield built
    await built.close()


async def test_times_come_as_segments(server: SpeechServer, voice: Path) -> None:
    async with connect(server, "groq") as groq:
        transcript = await groq.transcribe(voice, times=True)
    assert transcript.segments == (Segment(0.5, 3.5, "Привет, мир"),)
    assert server.heard[0].fields["response_format"] == "verbose_json"


async def test_server_that_knows_no_times_is_asked_for_them_once(server: SpeechServer, voice: Path) -> None:
    server.knows_times = False
    async with connect(server, "asr") as asr:
        transcripts = [await asr.transcribe(voice, times=True) for _ in range(2)]
    assert {(transcript.text, transcript.segments) for transcript in transcripts} == {("Привет, мир", ())}
    assert [heard.fields["response_format"] for heard in server.heard] == ["verbose_json", "json", "json"]


async def test_model_without_times_is_not_asked_for_them(server: SpeechServer, voice: Path) -> None:
    async with connect(server, "openai:gpt-transcribe") as openai:
        await openai.transcribe(voice, times=True)
    assert [heard.fields["response_format"] for heard in server.heard] == ["json"]


@pytest.mark.parametrize("row", [{"start": "x", "end": 1, "text": "a"}, {"text": "a"}, "a", {"start": 0, "end": 1}])
async def test_segments_that_make_no_sense_are_left_out(server: SpeechServer, voice: Path, row: object) -> None:
    server.ear = lambda _: {"text": "раз два", "segments": [row, {"start": 1, "end": 2, "text": "два"}]}
    async with connect(server, "groq") as groq:
        assert (await groq.transcribe(voice, times=True)).segments == (Segment(1, 2, "два"),)


@pytest.mark.parametrize("path", ["", "/", "/transcribe"])
async def test_plain_server_is_found_however_its_address_is_written(
    server: SpeechServer, voice: Path, path: str
) -> None:
    async with connect(server, "transcribe", server.root_url + path) as plain:
        assert (await plain.transcribe(voice)).text == "Привет, мир"
        assert (await plain.check()).ok


async def test_own_server_named_by_its_whole_route_is_spoken_to_plainly(server: SpeechServer, voice: Path) -> None:
    async with connect(server, "asr", f"{server.root_url}/transcribe") as asr:
        assert (await asr.transcribe(voice, language="ru")).text == "Привет, мир"
    assert server.heard[0].fields == {"language": "ru"}


async def test_openrouter_has_its_path(server: SpeechServer, voice: Path) -> None:
    async with connect(server, f"openrouter:{MODEL}", server.root_url) as openrouter:
        assert (await openrouter.transcribe(voice)).seconds == 4
        assert (await openrouter.check()).ok


async def test_openrouters_error_within_a_200_is_an_error(server: SpeechServer, voice: Path) -> None:
    server.ear = lambda _: {"error": {"code": 402, "message": "Insufficient credits for k"}}
    async with connect(server, "openrouter") as openrouter:
        with pytest.raises(CreditExhaustedError, match="Insufficient credits"):
            await openrouter.transcribe(voice)


@pytest.mark.parametrize("size", [0, 1, 2, 49_152, 100_001])
async def test_openrouter_gets_every_byte(server: SpeechServer, tmp_path: Path, size: int) -> None:
    audio = tmp_path / "voice.ogg"
    audio.write_bytes(bytes(number % 251 for number in range(size)))
    async with connect(server, "openrouter") as openrouter:
        await openrouter.transcribe(audio)
    assert server.heard[0].audio == audio.read_bytes()


@pytest.mark.parametrize("date", ["2027-02-26", "2027-02-26T00:00:00Z", 1803600000])
async def test_model_that_will_be_switched_off_is_reported(
    server: SpeechServer, caplog: pytest.LogCaptureFixture, date: object
) -> None:
    server.shutdown_date = date
    async with connect(server, f"openai:{MODEL}") as openai:
        with caplog.at_level(logging.WARNING):
            health = await openai.check()
    assert health.ok
    assert "until 2027-02-2" in health.detail
    assert "switched off on 2027-02-2" in caplog.text


async def test_failover_accepts_the_formats_of_all_its_services(server: SpeechServer) -> None:
    settings = SpeechSettings("groq,openai,transcribe", {"groq": "k", "openai": "k"}, {"transcribe": server.root_url})
    limits = build_transcriber(settings).limits
    assert (limits.max_bytes, limits.max_seconds, limits.parallel) == (25_000_000, 1400, 1)


async def test_failover_passes_the_wish_for_times_on(server: SpeechServer, voice: Path) -> None:
    settings = SpeechSettings("groq,asr", {"groq": "k"}, dict.fromkeys(["groq", "asr"], server.base_url))
    server.faults.append(Fault.UNAUTHORIZED)
    built = build_transcriber(settings)
    assert (await built.transcribe(voice, times=True)).segments
    await built.close()
