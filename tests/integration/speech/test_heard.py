"""End to end with nothing scripted: espeak-ng speaks, ffmpeg makes it small, pocketsphinx hears it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.features.transcription import TranscriptionService
from beseda.features.transcription.voice import VoiceService
from beseda.speech.base import SpeechConnection, SpeechLimits, Transcriber
from beseda.speech.multipart import OpenAITranscriber
from beseda.speech.registry import SpeechSettings, build_transcriber
from beseda.speech.transcript import write_srt
from tests.parts import sphinx
from tests.parts.recordings import WORDS, make_long, speak
from tests.parts.speech_server import SpeechServer

pytestmark = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")


def connect(server: SpeechServer) -> Transcriber:
    server.ear = lambda heard: sphinx.hear(heard.audio)
    return build_transcriber(SpeechSettings("asr", base_urls={"asr": server.base_url}))


async def test_spoken_words_are_read_back(tmp_path: Path) -> None:
    source = await speak(tmp_path / "spoken.wav")
    async with SpeechServer() as server:
        transcriber = connect(server)
        workshop = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1))
        transcript = await TranscriptionService(transcriber, workshop, tmp_path / "work").transcribe(source)
        voice = await VoiceService(transcriber, workshop, tmp_path / "voice").listen(source)
        await transcriber.close()
    assert transcript.text == voice.text == WORDS
    (segment,) = transcript.segments
    assert segment.start < 0.5
    assert 1 < segment.end < 2.5
    assert write_srt(transcript.segments).endswith(f"\n{WORDS}\n")


async def test_every_part_of_a_long_recording_is_heard_in_its_place(tmp_path: Path) -> None:
    source = await make_long(tmp_path / "long.ogg", minutes=0.7)
    async with SpeechServer() as server:
        server.ear = lambda heard: sphinx.hear(heard.audio)
        limits = SpeechLimits(max_seconds=20)
        transcriber = OpenAITranscriber(SpeechConnection("asr", server.base_url, limits=limits))
        workshop = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1))
        transcript = await TranscriptionService(transcriber, workshop, tmp_path / "work").transcribe(source)
        await transcriber.close()
    assert len(server.heard) >= 3
    assert set(transcript.text.split()) == set(WORDS.split())
    assert transcript.text.split().count("hello") == transcript.text.split().count("three") >= 8
