"""Real ffmpeg over what people, and strangers, send."""

import asyncio
import shutil
from pathlib import Path

import pytest

from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.core.errors import FileTooLargeError, ToolError, UnreadableAudioError
from beseda.core.subprocesses import run

SAMPLES = Path(__file__).parents[2] / "samples" / "voice"


def _carried() -> Path:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture(params=["found", "carried"])
def ffmpeg(request: pytest.FixtureRequest) -> Ffmpeg:
    path = find_ffmpeg() if request.param == "found" else _carried()
    return Ffmpeg(path, asyncio.Semaphore(2), 60)


def _script(folder: Path, body: str) -> Path:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


async def _describe(path: Path) -> str:
    completed = await run([find_ffmpeg(), "-hide_banner", "-i", path], timeout=20)
    return completed.stderr.decode()


def _list(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _read_opus_rate(path: Path) -> int:
    head = path.read_bytes()
    start = head.index(b"OpusHead")
    return int.from_bytes(head[start + 12 : start + 16], "little")


async def test_voice_becomes_small_opus_at_16_khz(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    target = tmp_path / "voice.ogg"
    recording = await ffmpeg.transcode_voice(SAMPLES / "hello.ogg", target)
    assert recording.size == target.stat().st_size <= (SAMPLES / "hello.ogg").stat().st_size
    assert recording.seconds == pytest.approx(3.75, abs=0.1)
    assert _read_opus_rate(target) == 16_000
    assert "Audio: opus, 48000 Hz, mono" in await _describe(target)


async def test_voice_straight_from_a_synthesiser(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    await run(["espeak-ng", "-w", tmp_path / "said.wav", "one two three"], timeout=20)
    recording = await ffmpeg.transcode_voice(tmp_path / "said.wav", tmp_path / "voice.ogg")
    assert recording.size < (tmp_path / "said.wav").stat().st_size / 5


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
async def test_voice_smaller_than_ours_is_not_inflated(ffmpeg: Ffmpeg, tmp_path: Path, suffix: str) -> None:
    recording = await ffmpeg.transcode_voice(SAMPLES / "thrifty.ogg", tmp_path / f"voice{suffix}")
    slack = 0 if suffix == ".ogg" else 1024  # an MP3 of 8 kb/s is the smallest there is
    assert recording.size <= (SAMPLES / "thrifty.ogg").stat().st_size + slack


async def test_voice_as_mp3_for_services_that_need_it(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    await ffmpeg.transcode_voice(SAMPLES / "hello.ogg", tmp_path / "voice.mp3")
    assert "Audio: mp3, 16000 Hz, mono" in await _describe(tmp_path / "voice.mp3")


async def test_video_note_gives_its_sound(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    recording = await ffmpeg.transcode_voice(SAMPLES / "note.mp4", tmp_path / "voice.ogg")
    assert recording.seconds == pytest.approx(2, abs=0.1)
    assert "Video" not in await _describe(tmp_path / "voice.ogg")


async def test_recording_over_the_limit_is_refused_instead_of_cut(tmp_path: Path) -> None:
    ffmpeg = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1), 60, max_seconds=2)
    with pytest.raises(FileTooLargeError, match="more than 2 s"):
        await ffmpeg.transcode_voice(SAMPLES / "hello.ogg", tmp_path / "voice.ogg")
    assert _list(tmp_path) == []


async def test_cancelled_transcoding_leaves_no_output_and_frees_its_slot(tmp_path: Path) -> None:
    path = _script(tmp_path, f"trap '' TERM; echo half > {tmp_path}/out.ogg; while :; do sleep 5; done")
    slots = asyncio.Semaphore(1)
    task = asyncio.create_task(Ffmpeg(path, slots, 60).transcode_voice(SAMPLES / "hello.ogg", tmp_path / "out.ogg"))
    async with asyncio.timeout(10):
        while "out.ogg" not in _list(tmp_path):  # noqa: ASYNC110 - another process raises no events
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (_list(tmp_path), slots.locked()) == (["ffmpeg"], False)


_BROKEN = {
    "text.ogg": b"these are only words",
    "empty.ogg": b"",
    "noise.ogg": bytes(range(256)) * 20,
    "playlist.ogg": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    "list.ogg": b"ffconcat version 1.0\nfile hello.ogg\n",
}


@pytest.mark.parametrize("name", _BROKEN)
async def test_file_without_sound_is_unreadable(ffmpeg: Ffmpeg, tmp_path: Path, name: str) -> None:
    shutil.copy(SAMPLES / "hello.ogg", tmp_path)
    (tmp_path / name).write_bytes(_BROKEN[name])
    await _expect_unreadable(ffmpeg, tmp_path / name, tmp_path / "out.ogg")


@pytest.mark.parametrize("name", ["corrupt.ogg", "mute.mp4"])
async def test_damaged_or_mute_file_is_unreadable(ffmpeg: Ffmpeg, tmp_path: Path, name: str) -> None:
    await _expect_unreadable(ffmpeg, SAMPLES / name, tmp_path / "out.ogg")


async def _expect_unreadable(ffmpeg: Ffmpeg, source: Path, target: Path) -> None:
    with pytest.raises(UnreadableAudioError, match="ffmpeg"):
        await ffmpeg.transcode_voice(source, target)
    assert target.name not in _list(target.parent)


async def test_playlist_is_not_followed_to_another_file(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "hello.ogg", tmp_path / "secret.ts")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:4,\n{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n")
    await _expect_unreadable(ffmpeg, playlist, tmp_path / "out.ogg")


async def test_missing_source_is_this_machines_fault(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        await ffmpeg.transcode_voice(tmp_path / "gone.ogg", tmp_path / "out.ogg")


async def test_target_folder_missing_is_this_machines_fault(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(ToolError):
        await ffmpeg.transcode_voice(SAMPLES / "hello.ogg", tmp_path / "nowhere" / "out.ogg")


async def test_target_of_another_kind_is_refused(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"not as \.exe"):
        await ffmpeg.transcode_voice(SAMPLES / "hello.ogg", tmp_path / "out.exe")


async def test_hostile_names_are_only_names(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = tmp_path / "-y concat:http; $(touch pwned) %d.ogg"
    shutil.copy(SAMPLES / "hello.ogg", source)
    assert (await ffmpeg.transcode_voice(source, tmp_path / "out.ogg")).seconds > 3
    assert _list(tmp_path) == [source.name, "out.ogg"]


async def test_missing_ffmpeg_is_named(tmp_path: Path) -> None:
    ffmpeg = Ffmpeg(tmp_path / "ffmpeg", asyncio.Semaphore(1), 5)
    with pytest.raises(ToolError, match="ffmpeg cannot be started"):
        await ffmpeg.transcode_voice(SAMPLES / "hello.ogg", tmp_path / "out.ogg")


async def test_hanging_ffmpeg_is_killed_and_leaves_no_output(tmp_path: Path) -> None:
    path = _script(tmp_path, f"trap '' TERM; echo half > {tmp_path}/out.ogg; while :; do sleep 5; done")
    with pytest.raises(ToolError, match="did not end within 1 s"):
        await Ffmpeg(path, asyncio.Semaphore(1), 1).transcode_voice(SAMPLES / "hello.ogg", tmp_path / "out.ogg")
    assert not (tmp_path / "out.ogg").exists()


async def test_full_disk_is_this_machines_fault(tmp_path: Path) -> None:
    path = _script(tmp_path, "echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1")
    with pytest.raises(ToolError, match="No space left"):
        await Ffmpeg(path, asyncio.Semaphore(1), 5).transcode_voice(SAMPLES / "hello.ogg", tmp_path / "out.ogg")


async def test_killed_ffmpeg_is_this_machines_fault(tmp_path: Path) -> None:
    path = _script(tmp_path, "kill -9 $$")
    with pytest.raises(ToolError, match="ended with -9"):
        await Ffmpeg(path, asyncio.Semaphore(1), 5).transcode_voice(SAMPLES / "hello.ogg", tmp_path / "out.ogg")


async def test_slots_bound_the_number_of_concurrent_jobs(tmp_path: Path) -> None:
    path = _script(tmp_path, f"mkdir {tmp_path}/running || exit 9; sleep 0.1; rmdir {tmp_path}/running; kill -9 $$")
    ffmpeg = Ffmpeg(path, asyncio.Semaphore(1), 20)
    sources = [ffmpeg.transcode_voice(SAMPLES / "hello.ogg", tmp_path / f"{number}.ogg") for number in range(3)]
    failures = await asyncio.gather(*sources, return_exceptions=True)
    assert ["ended with -9" in str(failure) for failure in failures] == [True] * 3


def test_find_ffmpeg_without_the_systems_takes_the_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "imageio_ffmpeg" in str(find_ffmpeg())


def test_find_ffmpeg_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nowhere/ffmpeg")
    with pytest.raises(ToolError, match="apt-get install ffmpeg"):
        find_ffmpeg()
