"""What was said, and what is left behind: nothing."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beseda.audio.base import AudioSpan, Recording
from beseda.core.errors import BesedaError, SilentAudioError, ToolError, UnavailableError, UnreadableAudioError
from beseda.core.failover import BackendHealth
from beseda.features.transcription.voice import VoiceService
from beseda.locales.errors import explain
from beseda.speech.base import SpeechLimits, Transcript


@dataclass
class CopyingTranscoder:
    """Copies, or fails half-way."""

    failure: BaseException | None = None

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        size = _copy(source, target)
        if self.failure:
            raise self.failure
        return Recording(2.5, size)

    async def find_sound(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        return [window]


@dataclass
class ScriptedTranscriber:
    """Says what it is told to."""

    answer: Transcript | BaseException
    heard: Path | None = None
    language: str = ""
    name: str = "scripted:ear"
    limits: SpeechLimits = field(default_factory=SpeechLimits)

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        del times
        self.heard, self.language = audio, language
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def check(self) -> BackendHealth:
        return BackendHealth(ok=True, detail="listens")

    async def close(self) -> None:
        pass


def _copy(source: Path, target: Path) -> int:
    return target.write_bytes(source.read_bytes())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "file_7.oga"
    path.write_bytes(b"sound")
    return path


def _service(source: Path, answer: Transcript | BaseException, failure: BaseException | None = None) -> VoiceService:
    return VoiceService(ScriptedTranscriber(answer), CopyingTranscoder(failure), source.parent / "voices")


def _leftovers(source: Path) -> list[Path]:
    return list((source.parent / "voices").iterdir())


async def test_listen_gives_the_text_and_the_length_of_the_recording(source: Path) -> None:
    ear = ScriptedTranscriber(Transcript(" Привет \n"))
    service = VoiceService(ear, CopyingTranscoder(), source.parent / "voices")
    assert await service.listen(source, language="ru") == Transcript("Привет", 2.5)
    assert ear.language == "ru"
    assert ear.heard is not None
    assert (ear.heard.suffix, ear.heard.name.startswith("voice-")) == (".ogg", True)
    assert _leftovers(source) == []


async def test_listen_leaves_the_source_to_its_owner(source: Path) -> None:
    await _service(source, Transcript("да")).listen(source)
    assert _leftovers(source) == []
    assert source.name in [path.name for path in _siblings(source)]


def _siblings(source: Path) -> list[Path]:
    return list(source.parent.iterdir())


async def test_listen_believes_the_service_about_the_length(source: Path) -> None:
    assert (await _service(source, Transcript("да", 3.0)).listen(source)).seconds == 3.0


async def test_listen_reports_silence(source: Path) -> None:
    with pytest.raises(SilentAudioError, match=r"heard nothing in 2\.5 s"):
        await _service(source, Transcript(" \n")).listen(source)
    assert _leftovers(source) == []


@pytest.mark.parametrize("error", [UnavailableError("HTTP 500"), UnreadableAudioError("noise")])
async def test_listen_keeps_errors_of_the_tree_and_logs_their_traceback(
    source: Path, caplog: pytest.LogCaptureFixture, error: BesedaError
) -> None:
    with pytest.raises(BesedaError) as caught:
        await _service(source, error).listen(source)
    assert caught.value is error
    assert "Traceback (most recent call last)" in caplog.text
    assert _leftovers(source) == []


async def test_listen_turns_an_unforeseen_error_into_a_tool_error(
    source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ToolError, match="ZeroDivisionError: oops") as caught:
        await _service(source, ZeroDivisionError("oops")).listen(source)
    assert "oops" not in explain(caught.value, "en")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert _leftovers(source) == []


@pytest.mark.parametrize("stop", [ToolError("killed"), asyncio.CancelledError()])
async def test_listen_stopped_half_way_leaves_nothing(source: Path, stop: BaseException) -> None:
    with pytest.raises(type(stop)):
        await _service(source, Transcript("да"), stop).listen(source)
    assert _leftovers(source) == []


async def test_listen_in_a_folder_that_cannot_be_made_is_a_tool_error(source: Path) -> None:
    service = VoiceService(ScriptedTranscriber(Transcript("да")), CopyingTranscoder(), source / "voices")
    with pytest.raises(ToolError, match="NotADirectoryError"):
        await service.listen(source)
