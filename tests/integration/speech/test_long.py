"""Long recordings, all the way: real ffmpeg, our clients, a local recogniser."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from beseda.audio.base import NoRoomError, RecordingTooLongError
from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.core.errors import (
    KeyRejectedError,
    RejectedRequestError,
    SilentAudioError,
    ToolError,
    UnavailableError,
    UnreadableAudioError,
)
from beseda.features.transcription import (
    DiskBudget,
    TranscriptionProgress,
    TranscriptionRules,
    TranscriptionService,
    TranscriptionStage,
)
from beseda.locales.errors import explain
from beseda.speech.base import SpeechConnection, SpeechLimits
from beseda.speech.multipart import OpenAITranscriber
from beseda.speech.transcript import Segment
from beseda.testing.clock import ManualClock
from tests.parts.recordings import join, make_long, make_silence, make_sound
from tests.parts.speech_server import Fault, Heard, SpeechServer

SAMPLES = Path(__file__).parents[2] / "samples" / "voice"
TEN_MINUTES = SpeechLimits(max_seconds=600, parallel=2)


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with SpeechServer() as running:
        yield running


@asynccontextmanager
async def serve(
    server: SpeechServer,
    folder: Path,
    limits: SpeechLimits = TEN_MINUTES,
    rules: TranscriptionRules | None = None,
    ffmpeg: Path | None = None,
) -> AsyncGenerator[TranscriptionService, None]:
    connection = SpeechConnection("asr", server.base_url, limits=limits, timeout=20)
    transcriber = OpenAITranscriber(connection)
    workshop = Ffmpeg(ffmpeg or find_ffmpeg(), asyncio.Semaphore(2), 60)
    clock = ManualClock(instant=True)
    try:
        yield TranscriptionService(transcriber, workshop, folder / "work", rules=rules, clock=clock)
    finally:
        await transcriber.close()


def count_off(server: SpeechServer, faults: Sequence[Fault | None] = ()) -> None:
    """Have the recogniser say which part it hears, by the order in which they come."""

    def hear(_: Heard) -> dict[str, object] | Fault:
        number = len(server.heard)
        if number <= len(faults) and (fault := faults[number - 1]) is not None:
            return fault
        return {"text": f"часть {number}", "segments": [{"start": 1.0, "end": 2.0, "text": f"часть {number}"}]}

    server.ear = hear


def leftovers(folder: Path) -> list[Path]:
    return list((folder / "work").iterdir()) if (folder / "work").exists() else []


async def test_forty_minutes_are_cut_at_silences_and_heard_side_by_side(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=40)
    count_off(server)
    server.delay = 1.0  # two parts are heard side by side also where cutting one takes a second
    told: list[TranscriptionProgress] = []
    async with serve(server, tmp_path) as service:
        transcript = await service.transcribe(source, language="ru", listener=told.append)
    assert len(server.heard) == len(transcript.segments) == 6
    assert server.most_running == 2
    assert transcript.seconds == pytest.approx(2400, abs=1)
    starts = [segment.start for segment in transcript.segments]
    assert all(start == pytest.approx(400 * number + 1, abs=5) for number, start in enumerate(starts))
    assert (told[-1].stage, told[-1].parts_done, told[-1].seconds_left) == (TranscriptionStage.LISTENING, 6, 0)
    assert transcript.missed == ()
    assert leftovers(tmp_path) == []


async def test_recording_within_the_limits_is_sent_whole(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=9)
    async with serve(server, tmp_path) as service:
        transcript = await service.transcribe(source)
    assert len(server.heard) == 1
    assert len(server.heard[0].audio) <= len(source.read_bytes()) * 1.02
    assert transcript.segments == (Segment(0.5, 3.5, "Привет, мир"),)


async def test_size_alone_asks_for_parts_too(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=10)
    limits = SpeechLimits(max_bytes=600_000)
    async with serve(server, tmp_path, limits) as service:
        await service.transcribe(source)
    assert len(server.heard) >= 2
    assert max(len(heard.audio) for heard in server.heard) <= 600_000


async def test_part_that_fails_is_tried_again(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=18)
    count_off(server, [Fault.HTML])
    async with serve(server, tmp_path, replace(TEN_MINUTES, parallel=1)) as service:
        transcript = await service.transcribe(source)
    assert transcript.missed == ()
    assert len(server.heard) == 4


async def test_part_that_fails_twice_is_reported_and_the_others_stay(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=18)
    count_off(server, [None, Fault.HTML, Fault.HTML])
    async with serve(server, tmp_path, replace(TEN_MINUTES, parallel=1)) as service:
        transcript = await service.transcribe(source)
    (missed,) = transcript.missed
    assert missed.start == pytest.approx(360, abs=10)
    assert missed.end == pytest.approx(720, abs=10)
    assert "часть 1" in transcript.text
    assert "часть 4" in transcript.text
    assert "[0" in transcript.text


async def test_part_that_is_too_large_after_all_is_halved(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=4)
    count_off(server, [Fault.TOO_LARGE])
    async with serve(server, tmp_path) as service:
        transcript = await service.transcribe(source)
    assert [segment.start for segment in transcript.segments] == [1.0, pytest.approx(121, abs=5)]
    assert transcript.missed == ()


async def test_busy_recogniser_is_waited_for(server: SpeechServer, tmp_path: Path) -> None:
    server.retry_after = "30"
    server.faults.append(Fault.TOO_MANY)
    async with serve(server, tmp_path) as service:
        assert (await service.transcribe(SAMPLES / "hello.ogg")).text == "Привет, мир"


async def test_key_that_is_refused_ends_it_immediately(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=25)
    server.ear = lambda _: Fault.UNAUTHORIZED
    async with serve(server, tmp_path) as service:
        with pytest.raises(KeyRejectedError):
            await service.transcribe(source)
    assert len(server.heard) <= 2
    assert leftovers(tmp_path) == []


async def test_every_part_failing_is_a_failure(server: SpeechServer, tmp_path: Path) -> None:
    server.faults.extend([Fault.BROKEN] * 8)
    async with serve(server, tmp_path) as service:
        with pytest.raises(UnavailableError):
            await service.transcribe(SAMPLES / "hello.ogg")
    assert leftovers(tmp_path) == []


async def test_silence_only_is_reported_in_words(server: SpeechServer, tmp_path: Path) -> None:
    server.text = ""
    async with serve(server, tmp_path) as service:
        with pytest.raises(SilentAudioError):
            await service.transcribe(SAMPLES / "hello.ogg")


async def test_cancelling_ends_everything_and_leaves_nothing(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=25)
    server.delay = 60
    async with serve(server, tmp_path) as service:
        task = asyncio.create_task(service.transcribe(source))
        async with asyncio.timeout(60):
            while len(server.heard) < 2:  # noqa: ASYNC110 - the server is a condition, not an event
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert leftovers(tmp_path) == []


async def test_thirty_hours_are_refused_before_any_work(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=30, kbps=8)
    async with serve(server, tmp_path, rules=TranscriptionRules(max_seconds=900)) as service:
        with pytest.raises(RecordingTooLongError) as caught:
            await service.transcribe(source)
    assert "слишком длинная" in explain(caught.value, "ru")
    assert server.heard == []
    assert leftovers(tmp_path) == []


async def test_recording_beyond_the_disk_budget_is_refused(server: SpeechServer, tmp_path: Path) -> None:
    rules = TranscriptionRules(budget=DiskBudget(10_000))
    async with serve(server, tmp_path, rules=rules) as service:
        with pytest.raises(NoRoomError) as caught:
            await service.transcribe(SAMPLES / "hello.ogg")
    assert "места" in explain(caught.value, "ru")


BAD = {
    "empty.mp3": b"",
    "text.mp3": b"I am no music, I am words.\n" * 40,
    "noise.ogg": bytes(range(256)) * 20,
    "../up.ogg": b"",
}


@pytest.mark.parametrize("name", ["empty.mp3", "text.mp3", "noise.ogg"])
async def test_invalid_sound_is_refused_in_words(server: SpeechServer, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD[name])
    async with serve(server, tmp_path) as service:
        with pytest.raises(UnreadableAudioError):
            await service.transcribe(tmp_path / name)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["mute.mp4", "corrupt.ogg"])
async def test_mute_and_corrupt_files_are_refused(server: SpeechServer, tmp_path: Path, name: str) -> None:
    async with serve(server, tmp_path) as service:
        with pytest.raises(UnreadableAudioError):
            await service.transcribe(SAMPLES / name)
    assert (leftovers(tmp_path), server.heard) == ([], [])


async def test_truncated_recording_gives_the_rest(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.mp3", seconds=20)
    source.write_bytes(source.read_bytes()[:40_000])
    async with serve(server, tmp_path) as service:
        assert 1 < ((await service.transcribe(source)).seconds or 0) < 20


async def test_promised_length_of_a_truncated_recording_is_reported(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.flac", seconds=40)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    async with serve(server, tmp_path) as service:
        transcript = await service.transcribe(source)
    (missed,) = transcript.missed
    assert missed.end == pytest.approx(40, abs=1)
    assert missed.start == pytest.approx(transcript.seconds)
    assert transcript.text == "Привет, мир"


async def test_recording_without_a_length_is_taken(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "live.webm", seconds=4, options=("-live", "1"))
    told: list[TranscriptionProgress] = []
    async with serve(server, tmp_path) as service:
        assert (await service.transcribe(source, listener=told.append)).seconds == pytest.approx(4, abs=0.2)
    assert told[0] == TranscriptionProgress(TranscriptionStage.PREPARING, 0, 0)


async def test_ffmpeg_missing_is_a_plain_sentence(server: SpeechServer, tmp_path: Path) -> None:
    async with serve(server, tmp_path, ffmpeg=tmp_path / "nowhere" / "ffmpeg") as service:
        with pytest.raises(ToolError) as caught:
            await service.transcribe(SAMPLES / "hello.ogg")
    assert "nowhere" not in explain(caught.value, "en")


async def test_disk_full_in_mid_write_leaves_nothing(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.flac", seconds=60)
    limited = tmp_path / "bin" / "ffmpeg"
    limited.parent.mkdir()
    limited.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 16\nexec {find_ffmpeg()} \"$@\"\n")
    limited.chmod(0o755)
    async with serve(server, tmp_path, ffmpeg=limited) as service:
        with pytest.raises(NoRoomError):
            await service.transcribe(source)
    assert leftovers(tmp_path) == []


async def test_same_file_twice_concurrently(server: SpeechServer, tmp_path: Path) -> None:
    async with serve(server, tmp_path) as service:
        twice = await asyncio.gather(*(service.transcribe(SAMPLES / "note.mp4") for _ in range(2)))
    assert [transcript.text for transcript in twice] == ["Привет, мир"] * 2


async def test_name_like_a_path_is_only_a_name(server: SpeechServer, tmp_path: Path) -> None:
    source = tmp_path / "-i concat:; $(touch pwned) %d.ogg"
    shutil.copy(SAMPLES / "hello.ogg", source)
    async with serve(server, tmp_path) as service:
        assert (await service.transcribe(source)).text == "Привет, мир"
    assert not (tmp_path / "pwned").exists()


async def test_short_recording_does_not_wait_for_all_of_a_long_one(server: SpeechServer, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "talk.ogg", minutes=25)
    server.delay = 0.3
    async with serve(server, tmp_path, replace(TEN_MINUTES, parallel=1)) as service:
        long = asyncio.create_task(service.transcribe(source))
        async with asyncio.timeout(60):
            while not server.heard:  # noqa: ASYNC110 - the server is a condition, not an event
                await asyncio.sleep(0.01)
        await service.transcribe(SAMPLES / "hello.ogg")
        assert not long.done()
        assert (await long).missed == ()
    assert server.most_running == 1


async def test_recogniser_that_refuses_every_size_is_a_failure(server: SpeechServer, tmp_path: Path) -> None:
    server.ear = lambda _: Fault.TOO_LARGE
    async with serve(server, tmp_path) as service:
        with pytest.raises(RejectedRequestError):
            await service.transcribe(await make_long(tmp_path / "talk.ogg", minutes=2))
    assert leftovers(tmp_path) == []


async def test_silent_pieces_and_silent_recordings_are_not_sent(server: SpeechServer, tmp_path: Path) -> None:
    """Whisper answered "Продолжение следует" to twenty seconds of silence, and to the end of long recordings."""
    said = await make_sound(tmp_path / "said.wav", seconds=12)
    silence = await make_silence(tmp_path / "silence.wav", seconds=36)
    both = await join(tmp_path / "both.ogg", said, silence)
    server.ear = lambda heard: {"text": "hello", "segments": [{"start": 0.5, "end": 2.0, "text": "hello"}]}
    async with serve(server, tmp_path, SpeechLimits(max_seconds=12, parallel=2)) as service:
        transcript = await service.transcribe(both)
        assert 1 <= len(server.heard) <= 3
        assert set(transcript.text.split()) == {"hello"}
        assert transcript.missed == ()
        server.heard.clear()
        with pytest.raises(SilentAudioError):
            await service.transcribe(silence)
        assert server.heard == []
