"""Real ffmpeg over long recordings: probing, making small, finding silence, cutting."""

import asyncio
import shutil
from pathlib import Path

import pytest

from beseda.audio.base import AudioSpan, NoRoomError, RecordingTooLongError, Sound
from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.core.errors import ToolError, UnreadableAudioError
from beseda.core.subprocesses import run
from tests.parts.recordings import make_long, make_sound

SAMPLES = Path(__file__).parents[2] / "samples" / "voice"
KINDS = {
    "mp3": ("mp3", "mp3"),
    "ogg": ("ogg", "vorbis"),
    "oga": ("ogg", "vorbis"),
    "opus": ("ogg", "opus"),
    "wav": ("wav", "pcm_s16le"),
    "m4a": ("mov", "aac"),
    "aac": ("aac", "aac"),
    "flac": ("flac", "flac"),
    "wma": ("asf", "wmav2"),
    "webm": ("matroska", "opus"),
}


@pytest.fixture(params=["with ffprobe", "ffmpeg alone"])
def ffmpeg(request: pytest.FixtureRequest, tmp_path: Path) -> Ffmpeg:
    path = find_ffmpeg()
    if request.param == "ffmpeg alone":
        (tmp_path / "bin").mkdir()
        path = Path(shutil.copy(path, tmp_path / "bin" / "ffmpeg"))
    return Ffmpeg(path, asyncio.Semaphore(2), 60)


@pytest.mark.parametrize("kind", KINDS)
async def test_probe_knows_a_kind_by_its_content(ffmpeg: Ffmpeg, tmp_path: Path, kind: str) -> None:
    source = await make_sound(tmp_path / f"said.{kind}", seconds=2)
    source = source.rename(tmp_path / "document.pdf")
    sound = await ffmpeg.probe(source)
    container, codec = KINDS[kind]
    assert container in sound.container
    assert sound.codec == codec
    assert sound.seconds == pytest.approx(2, abs=0.6)  # a raw AAC has no header: its length is estimated
    recording = await ffmpeg.transcode_speech(source, tmp_path / "speech.ogg", sound, max_seconds=60)
    assert recording.seconds == pytest.approx(2, abs=0.15)


async def test_probe_of_a_video_finds_its_sound(ffmpeg: Ffmpeg) -> None:
    sound = await ffmpeg.probe(SAMPLES / "note.mp4")
    assert sound.codec == "aac"
    assert sound.seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("content", [b"", b"these are only words\n" * 50, bytes(range(256)) * 40])
async def test_probe_of_a_file_without_sound(ffmpeg: Ffmpeg, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "song.mp3").write_bytes(content)
    with pytest.raises(UnreadableAudioError):
        await ffmpeg.probe(tmp_path / "song.mp3")


async def test_probe_of_a_video_without_sound(ffmpeg: Ffmpeg) -> None:
    with pytest.raises(UnreadableAudioError, match="found no sound"):
        await ffmpeg.probe(SAMPLES / "mute.mp4")


async def test_probe_of_a_missing_file_is_this_machines_fault(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        await ffmpeg.probe(tmp_path / "gone.mp3")


async def test_long_recording_is_never_inflated_and_done_once(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "long.ogg", minutes=40)
    recording = await ffmpeg.transcode_speech(
        source, tmp_path / "speech.ogg", await ffmpeg.probe(source), max_seconds=7200
    )
    assert recording.seconds == pytest.approx(2400, abs=1)
    assert recording.size <= _size(source) * 1.02


async def test_rich_recording_becomes_24_kilobits(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.flac", seconds=120)
    heard: list[float] = []
    recording = await ffmpeg.transcode_speech(
        source, tmp_path / "speech.ogg", await ffmpeg.probe(source), max_seconds=600, listener=heard.append
    )
    assert recording.size < 120 * 24 * 125 * 1.15
    assert heard == sorted(heard)
    assert sorted(path.name for path in _list(tmp_path) if path.is_file()) == ["said.flac", "speech.ogg"]


async def test_recording_over_the_limit_is_refused(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.flac", seconds=20)
    liar = Sound("flac", "flac", 3.0, _size(source))
    with pytest.raises(RecordingTooLongError):
        await ffmpeg.transcode_speech(source, tmp_path / "speech.ogg", liar, max_seconds=10)
    assert [path.name for path in _list(tmp_path) if path.is_file()] == ["said.flac"]


async def test_header_that_lies_about_the_length_does_not_inflate(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.opus", seconds=30, options=("-b:a", "128k"))
    liar = Sound("ogg", "opus", 3000.0, _size(source))
    recording = await ffmpeg.transcode_speech(source, tmp_path / "speech.ogg", liar, max_seconds=3000)
    assert recording.size < 30 * 24 * 125 * 1.3


async def test_truncated_recording_gives_the_rest(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_sound(tmp_path / "said.mp3", seconds=20)
    source.write_bytes(source.read_bytes()[: _size(source) // 2])
    recording = await ffmpeg.transcode_speech(
        source, tmp_path / "speech.ogg", await ffmpeg.probe(source), max_seconds=60
    )
    assert 8 < recording.seconds < 12


async def test_silences_have_the_recordings_own_time(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "long.ogg", minutes=5)
    silences = await ffmpeg.find_silences(source, AudioSpan(120, 180))
    assert len(silences) >= 10
    assert all(120 <= silence.start < silence.end <= 180.1 for silence in silences)
    assert all(1.5 < silence.seconds < 4 for silence in silences[1:-1])


async def test_cut_is_as_long_as_asked(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = await make_long(tmp_path / "long.ogg", minutes=5)
    recording = await ffmpeg.cut(source, tmp_path / "part.ogg", AudioSpan(100.5, 190.25))
    assert recording.seconds == pytest.approx(89.75, abs=0.1)
    assert recording.size < _size(source) / 2


@pytest.mark.parametrize("path", ["found", "carried"])
async def test_full_disk_leaves_nothing_half_written(tmp_path: Path, path: str) -> None:
    source = await make_sound(tmp_path / "said.flac", seconds=60)
    limited = tmp_path / "bin" / "ffmpeg"
    limited.parent.mkdir()
    program = find_ffmpeg() if path == "found" else pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    limited.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 16\nexec {program} \"$@\"\n")
    limited.chmod(0o755)
    ffmpeg = Ffmpeg(limited, asyncio.Semaphore(1), 60)
    with pytest.raises(NoRoomError):
        await ffmpeg.transcode_speech(source, tmp_path / "speech.ogg", await ffmpeg.probe(source), max_seconds=600)
    assert [path.name for path in _list(tmp_path) if path.is_file()] == ["said.flac"]


async def test_ffprobe_is_asked_about_nothing_but_the_file(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "hello.ogg", tmp_path / "secret.ts")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:4,\n{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadableAudioError):
        await Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1)).probe(playlist)


async def test_hanging_ffmpeg_is_killed_in_a_long_recording(tmp_path: Path) -> None:
    path = tmp_path / "bin" / "ffmpeg"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 5; done\n")
    path.chmod(0o755)
    ffmpeg = Ffmpeg(path, asyncio.Semaphore(1), 0.5)
    with pytest.raises(ToolError, match="did not end within"):
        await ffmpeg.transcode_speech(
            SAMPLES / "hello.ogg", tmp_path / "speech.ogg", Sound("ogg", "opus", 4, 1000), max_seconds=4
        )


async def test_gentle_work_is_done_all_the_same(tmp_path: Path) -> None:
    ffmpeg = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1), 60, gentle=True)
    sound = await ffmpeg.probe(SAMPLES / "hello.ogg")
    recording = await ffmpeg.transcode_speech(SAMPLES / "hello.ogg", tmp_path / "speech.ogg", sound, max_seconds=60)
    assert recording.seconds == pytest.approx(3.75, abs=0.1)


async def test_missing_ffmpeg_is_named_when_gentle(tmp_path: Path) -> None:
    ffmpeg = Ffmpeg(tmp_path / "ffmpeg", asyncio.Semaphore(1), 60, gentle=True)
    with pytest.raises(ToolError, match="ffmpeg"):
        await ffmpeg.transcode_speech(
            SAMPLES / "hello.ogg", tmp_path / "speech.ogg", Sound("ogg", "opus", 4, 1000), max_seconds=4
        )


async def test_samples_match_their_names(tmp_path: Path) -> None:
    source = await make_long(tmp_path / "long.ogg", minutes=2)
    completed = await run([find_ffmpeg(), "-hide_banner", "-i", source], timeout=20)
    assert b"Duration: 00:02:0" in completed.stderr


def _size(path: Path) -> int:
    return path.stat().st_size


def _list(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())
