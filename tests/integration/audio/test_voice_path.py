"""The whole way of a voice message: real ffmpeg, our client, a local recogniser."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beseda.audio.base import NoSoundError
from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.core.errors import KeyRejectedError, SilentAudioError, UnreadableAudioError
from beseda.features.transcription.voice import VoiceService
from beseda.locales.errors import explain
from beseda.speech.registry import SpeechSettings, build_transcriber
from tests.parts.recordings import make_silence
from tests.parts.speech_server import Fault, SpeechServer

SAMPLES = Path(__file__).parents[2] / "samples" / "voice"
KEY = "gsk_0123456789abcdef"


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with SpeechServer(text="Какая завтра погода?") as running:
        yield running


@pytest.fixture
async def voice(server: SpeechServer, tmp_path: Path) -> AsyncIterator[VoiceService]:
    transcriber = build_transcriber(SpeechSettings("", {"groq": KEY}, {"groq": server.base_url}))
    yield VoiceService(transcriber, Ffmpeg(find_ffmpeg(), asyncio.Semaphore(2)), tmp_path)
    await transcriber.close()


@pytest.mark.parametrize("name", ["hello.ogg", "note.mp4"])
async def test_voice_and_video_note_are_heard(
    voice: VoiceService, server: SpeechServer, tmp_path: Path, name: str
) -> None:
    transcript = await voice.listen(SAMPLES / name, language="ru")
    assert transcript.text == "Какая завтра погода?"
    (heard,) = server.heard
    assert heard.fields["model"] == "whisper-large-v3-turbo"
    assert heard.audio.startswith(b"OggS")
    assert b"ftyp" not in heard.audio[:64]
    assert _list(tmp_path) == []


@pytest.mark.parametrize("level", [0.0, 0.0005, 0.005])
async def test_silence_is_not_sent_to_a_recogniser(
    voice: VoiceService, server: SpeechServer, tmp_path: Path, level: float
) -> None:
    silence = await make_silence(tmp_path / "silence.wav", seconds=20, level=level)
    with pytest.raises(SilentAudioError):
        await voice.listen(silence)
    assert server.heard == []


@pytest.mark.parametrize(
    "segment",
    [
        {"text": " Продолжение следует...", "no_speech_prob": 0.74, "avg_logprob": -0.35},
        {"text": " Какой-то шум", "no_speech_prob": 0.7, "avg_logprob": -1.3},
        {"text": " Угу", "no_speech_prob": 0.97, "avg_logprob": -0.4},
    ],
)
async def test_text_invented_by_a_recognizer_on_noise_is_no_speech(
    voice: VoiceService, server: SpeechServer, segment: dict[str, object]
) -> None:
    row = {"id": 0, "start": 0.0, "end": 2.0, **segment}
    server.ear = lambda _: {"text": segment["text"], "duration": 2.0, "segments": [row]}
    with pytest.raises(SilentAudioError):
        await voice.listen(SAMPLES / "hello.ogg")
    assert server.heard[0].fields["response_format"] == "verbose_json"


async def test_invented_segments_are_cut_out_of_speech(voice: VoiceService, server: SpeechServer) -> None:
    rows = [
        {"start": 0.0, "end": 1.0, "text": " Какая завтра погода?", "no_speech_prob": 0.02, "avg_logprob": -0.2},
        {"start": 1.0, "end": 2.0, "text": " Субтитры сделал DimaTorzok", "no_speech_prob": 0.4, "avg_logprob": -0.3},
    ]
    server.ear = lambda _: {"text": " Какая завтра погода? Субтитры сделал DimaTorzok", "segments": rows}
    assert (await voice.listen(SAMPLES / "hello.ogg")).text == "Какая завтра погода?"


async def test_a_video_without_sound_is_reported_as_such(voice: VoiceService, server: SpeechServer) -> None:
    with pytest.raises(NoSoundError) as told:
        await voice.listen(SAMPLES / "mute.mp4")
    assert "damaged" not in explain(told.value, "en")
    assert server.heard == []


async def test_damaged_voice_never_reaches_the_service(
    voice: VoiceService, server: SpeechServer, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableAudioError):
        await voice.listen(SAMPLES / "corrupt.ogg")
    assert server.heard == []
    assert _list(tmp_path) == []


async def test_refused_key_is_logged_whole_but_never_printed(
    voice: VoiceService, server: SpeechServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.append(Fault.UNAUTHORIZED)
    with caplog.at_level(logging.INFO), pytest.raises(KeyRejectedError) as caught:
        await voice.listen(SAMPLES / "hello.ogg")
    assert "Traceback (most recent call last)" in caplog.text
    assert "HTTP 401: Incorrect API key provided: ***" in caplog.text
    assert KEY not in caplog.text
    assert "журнале" in explain(caught.value, "ru")
    assert _list(tmp_path) == []


async def test_many_concurrent_voices_keep_the_loop_free(voice: VoiceService, tmp_path: Path) -> None:
    listening = asyncio.gather(*(voice.listen(SAMPLES / "hello.ogg") for _ in range(8)))
    ticks = 0
    while not listening.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert {transcript.text for transcript in await listening} == {"Какая завтра погода?"}
    assert ticks > 20  # a call that blocks would leave a few for each voice
    assert _list(tmp_path) == []


def _list(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
