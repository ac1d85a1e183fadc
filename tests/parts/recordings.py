"""Recordings for tests: spoken by espeak-ng where it is installed, and made long by repeating."""

import asyncio
import shutil
from pathlib import Path

from beseda.audio.ffmpeg import find_ffmpeg
from beseda.core.subprocesses import run

WORDS = "hello world one two three"
_SAMPLE = Path(__file__).parents[1] / "samples" / "voice" / "hello.ogg"
_VORBIS = ("-c:a", "libvorbis")
_minutes: dict[int, bytes] = {}
"""One minute by its bit rate: it takes a second to make, and is the same each time."""


async def speak(target: Path, words: str = WORDS) -> Path:
    """Write words as a WAV; without espeak-ng what the sample says."""
    if shutil.which("espeak-ng"):
        await _call("espeak-ng", "-v", "en-us", "-w", target, words)
    else:
        await _ffmpeg("-i", _SAMPLE, target)
    return target


async def make_sound(target: Path, *, seconds: float, options: tuple[str, ...] = ()) -> Path:
    """Write speech that is repeated to a length, in the kind that the suffix of `target` says."""
    spoken = await speak(target.with_suffix(".spoken.wav"))
    codec = _VORBIS if target.suffix == ".oga" else ()
    # One channel is the habit of a dictaphone, and libvorbis wants it said.
    await _ffmpeg("-stream_loop", "-1", "-i", spoken, "-t", str(seconds), "-ac", "1", *codec, *options, target)
    spoken.unlink()
    return target


async def make_silence(target: Path, *, seconds: float, level: float = 0.0005) -> Path:
    """Write the noise of a quiet room, `level` of full scale at most, in the kind that the suffix says."""
    await _ffmpeg("-f", "lavfi", "-i", f"anoisesrc=amplitude={level}:seed=7", "-t", str(seconds), "-ac", "1", target)
    return target


async def join(target: Path, *sources: Path) -> Path:
    """Write recordings one after another."""
    inputs = [argument for source in sources for argument in ("-i", source)]
    chain = f"concat=n={len(sources)}:v=0:a=1"
    await _ffmpeg(*inputs, "-filter_complex", chain, "-ac", "1", target)
    return target


async def make_long(target: Path, *, minutes: float, kbps: int = 20) -> Path:
    """Write an Opus of many minutes, words and three seconds of silence by turns, by copying one minute of it."""
    minute = target.with_suffix(".minute.ogg")
    if kbps not in _minutes:
        _minutes[kbps] = await _make_minute(minute, kbps)
    await asyncio.to_thread(minute.write_bytes, _minutes[kbps])
    await _ffmpeg("-stream_loop", "-1", "-i", minute, "-t", f"{minutes * 60}", "-c", "copy", target)
    minute.unlink()
    return target


async def _make_minute(target: Path, kbps: int) -> bytes:
    spoken, once = await speak(target.with_suffix(".spoken.wav")), target.with_suffix(".once.wav")
    voice = ("-ac", "1", "-ar", "16000", "-c:a", "libopus", "-b:a", f"{kbps}k", "-application", "voip")
    await _ffmpeg("-i", spoken, "-af", "apad=pad_dur=3", once)
    await _ffmpeg("-stream_loop", "-1", "-i", once, "-t", "60", *voice, target)
    spoken.unlink()
    once.unlink()
    return await asyncio.to_thread(target.read_bytes)


async def _ffmpeg(*arguments: str | Path) -> None:
    await _call(find_ffmpeg(), "-v", "error", "-y", *arguments)


async def _call(*argv: str | Path) -> None:
    completed = await run(argv, timeout=60)
    assert completed.returncode == 0, completed.stderr.decode(errors="replace")
