"""Command lines of ffmpeg and ffprobe: the inputs they may open are listed, and their output is bounded."""

import re
from pathlib import Path

from beseda.audio.base import AudioSpan, NoRoomError, NoSoundError, Sound
from beseda.core.errors import ToolError, UnreadableAudioError
from beseda.core.subprocesses import Completed

VOICE_KBPS = 24
_FEWEST_KBPS = {".ogg": 6, ".mp3": 8}
# No playlists (hls, concat, dash): those read other files of this machine in the name of the one we were given.
_DEMUXERS = "ogg,mov,mp3,wav,w64,flac,aac,ac3,amr,amrnb,amrwb,matroska,asf,aiff,caf,avi,flv,mpeg,mpegts,au,wv"
_ALLOWED = ["-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS]
# What ffmpeg says when the fault is ours. Anything else that ends it is the file's.
_OUR_FAULT = re.compile(
    rb"Permission denied|No such file|Too many open files|Input/output error|Cannot allocate memory"
    rb"|Unknown (en|de)coder|Unrecognized option|Option not found"
    rb"|error while loading shared libraries"
)
_SOUNDLESS = re.compile(rb"matches no streams|does not contain any stream")
_FULL = re.compile(rb"No space left|File too large|Disk quota exceeded")
# ffmpeg 5.1 ends with 0 although the disk was full (tried with a small tmpfs); 9.0 ends with 228.
_UNWRITTEN = re.compile(rb"Error (?:writing trailer|closing file)\b[^\n]*")
_OUT_TIME = re.compile(rb"^out_time_us=(\d+)", re.MULTILINE)
_SILENCE = re.compile(rb"silence_(start|end): (-?[\d.]+)")
# A pause of a breath is enough to cut in; -30 dB is quiet for a room, not for a studio.
_SILENCE_FILTER = "silencedetect=noise=-30dB:duration=0.35"
# Nobody is heard below this: a quiet voice at arm's length reaches -30 dB, the noise of a phone stays under -45 dB.
_SOUND_FILTER = "silencedetect=noise=-40dB:duration=0.35"


def reading(source: Path, *, limit: float, start: float = 0.0, loglevel: str = "info") -> list[str]:
    """Return the arguments that open a recording from `start` for at most `limit` seconds."""
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", loglevel]
    place = ["-ss", f"{start:.3f}"] if start else []
    return [*quiet, *_ALLOWED, "-threads", "1", *place, "-t", f"{limit:.3f}", "-i", f"file:{source.absolute()}"]


def writing(target: Path, *, max_bytes: int, progress: str = "pipe:1") -> list[str]:
    """Return the arguments that write the first sound and nothing else, `max_bytes` of it at most."""
    chosen = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    limits = ["-threads", "1", "-filter_threads", "1", "-fs", f"{max_bytes}"]
    report = ["-progress", progress, "-stats_period", "0.5"]
    return [*chosen, *limits, *report, "-y", "-f", target.suffix.removeprefix("."), f"file:{target.absolute()}"]


def probing(source: Path) -> list[str]:
    """Return the arguments with which ffprobe describes a recording in JSON."""
    shown = "format=format_name,duration:stream=codec_type,codec_name,duration"
    return ["-v", "error", *_ALLOWED, "-show_entries", shown, "-of", "json", f"file:{source.absolute()}"]


def listening(source: Path, window: AudioSpan, *, strict: bool = False) -> list[str]:
    """Return the arguments that look for silence in a window of a recording; with `strict` it must be deep."""
    chosen = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-filter_threads", "1"]
    opening = reading(source, limit=window.seconds, start=window.start)
    return [*opening, *chosen, "-af", _SOUND_FILTER if strict else _SILENCE_FILTER, "-f", "null", "-"]


def encoder(target: Path, kbps: int = VOICE_KBPS) -> list[str]:
    """Return the arguments that make speech of `kbps`. Raises `ToolError` for a target of another kind."""
    if target.suffix not in _FEWEST_KBPS:
        raise ToolError(f"speech is written as .ogg or .mp3, not as {target.suffix or 'a file without a suffix'}")
    codec = ["libopus", "-application", "voip"] if target.suffix == ".ogg" else ["libmp3lame"]
    return ["-ac", "1", "-ar", "16000", "-c:a", *codec, "-b:a", f"{kbps}k"]


def thrifty(target: Path, codec: str, original: int, seconds: float) -> list[str]:
    """Return an encoder for a recording that came smaller than we would make it."""
    if codec == "opus" and target.suffix == ".ogg":
        return ["-c:a", "copy"]
    kbps = int(original * 8 / seconds / 1000 * 0.9)
    return encoder(target, min(VOICE_KBPS, max(_FEWEST_KBPS.get(target.suffix, VOICE_KBPS), kbps)))


def choose_encoder(target: Path, sound: Sound) -> list[str]:
    """Return the encoder for a probed recording, so that one pass suffices if the probed length is true."""
    if not sound.seconds:
        return encoder(target)
    is_small = sound.size * 8 / sound.seconds / 1000 < VOICE_KBPS
    return thrifty(target, sound.codec, sound.size, sound.seconds) if is_small else encoder(target)


def find_failure(completed: Completed) -> ToolError | UnreadableAudioError | None:
    """Return the error of a program that failed, or None if it succeeded."""
    if completed.returncode == 0 and not _UNWRITTEN.search(completed.stderr):
        return None
    return explain(completed)


def explain(completed: Completed, program: str = "ffmpeg") -> ToolError | UnreadableAudioError:
    """Return the error of a program that failed: a fault of this machine, or of the file."""
    tail = completed.stderr[-600:].decode(errors="replace").strip()
    detail = f"{program} ended with {completed.returncode}: {tail}"
    if _FULL.search(completed.stderr):
        return NoRoomError(detail)
    if _SOUNDLESS.search(completed.stderr):
        return NoSoundError(detail)
    if completed.returncode <= 0 or _OUR_FAULT.search(completed.stderr):
        return ToolError(detail, exit_code=completed.returncode)
    return UnreadableAudioError(detail)


def parse_seconds(progress: bytes) -> float:
    """Return how many seconds are written, by the last word of a progress report."""
    times = _OUT_TIME.findall(progress)
    return int(times[-1]) / 1_000_000 if times else 0.0


def parse_silences(report: bytes, window: AudioSpan) -> list[AudioSpan]:
    """Return the silences of a report, in the recording's own time; one that goes on to the end ends there."""
    silences: list[AudioSpan] = []
    start: float | None = None
    for kind, value in _SILENCE.findall(report):
        moment = window.start + max(0.0, float(value))
        if kind == b"start":
            start = moment
        elif start is not None:
            silences.append(AudioSpan(start, moment))
            start = None
    return [*silences, AudioSpan(start, window.end)] if start is not None and start < window.end else silences
