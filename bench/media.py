"""Texts of other people while recordings of an hour and photos are worked on, beside the same texts without them.

The bot, its ffmpegs and its photo processes share both cores; the load takes its part of one of them.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.bots import BotProcess, Kind, MeasuringError, running_bot
from bench.closed_loop import percentile
from bench.crowd import Question
from bench.media_servers import MediaCrowd, Sender, open_media_crowd
from bench.report import Bar, Row, Section
from beseda.audio.ffmpeg import find_ffmpeg

_FIRST_TALKER, _FIRST_SPEAKER, _FIRST_PHOTOGRAPHER = 1000, 20_000, 30_000
_AUDIO, _PHOTO = "🎤 Audio", "✨ Enhance a photo"
_HOUR = 3600
_SOUND = "anoisesrc=color=pink:sample_rate=24000:d=60,tremolo=f=4:d=0.9,bandpass=f=800:w=1200"
_TRANSCRIPT = frozenset({"sendDocument of .srt", "sendDocument of .txt"})
_ENHANCED = frozenset({"sendMediaGroup of .jpg", "sendDocument of .jpg"})
_ADDED, _MEMORY = Bar(above=100), Bar(most=600)
_NONE = Bar(most=0)
_LOOK = 0.5  # seconds between two looks at the memory


@dataclass(frozen=True, slots=True)
class Plan:
    """Who does what: `encoded` of the recordings are MP3 and have to be made Opus, the others are Opus already.

    Every talker writes every `pace` seconds, answered or not; `quiet` seconds without media are the reference.
    """

    recordings: int = 20
    encoded: int = 4
    photos: int = 50
    talkers: int = 20
    pace: float = 0.5
    warm: float = 3.0
    quiet: float = 12.0

    @property
    def within(self) -> float:
        """Seconds after which nobody waits any more."""
        return 60.0 + 15.0 * self.encoded


@dataclass(slots=True)
class _Memory:
    """The most that was held, in MiB: by the bot's own process, and with its children at one moment."""

    own: float = 0.0
    family: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Senders of one kind, the files they sent, and when."""

    senders: dict[int, Sender]
    started: float
    complete: frozenset[str]
    """The kinds of uploads that make a whole result."""

    def arrivals(self) -> list[float]:
        """Return the seconds after which results were whole, in order."""
        whole = [sender for sender in self.senders.values() if self.complete <= {item.kind for item in sender.uploads}]
        return sorted(max(item.moment for item in sender.uploads) - self.started for sender in whole)

    @property
    def is_done(self) -> bool:
        """Whether everybody has a result."""
        return len(self.arrivals()) == len(self.senders)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run gave. Moments and seconds of `time.perf_counter`."""

    quiet: list[Question]
    busy: list[Question]
    recordings: Batch
    photos: Batch
    memory: _Memory = field(default_factory=_Memory)


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Measure the media bot. Raises MeasuringError where texts stay unanswered or a mode cannot be chosen."""
    files = await asyncio.to_thread(_make_files, folder)
    async with open_media_crowd() as (crowd, recogniser):
        crowd.telegram.files = files
        # The load's thread is on one core, `cores` is the other: media is promised for both together.
        async with running_bot(_kind(recogniser), crowd, folder, cores | os.sched_getaffinity(0)) as bot:
            run = await _run(plan, crowd, bot)
    return Section("Media", _note(plan, run), _rows(plan, run))


def _kind(recogniser: str) -> Kind:
    command = (sys.executable, "-m", "beseda", "run", "--bot", "media", "--no-sandbox", "--port", "{port}")
    environ = {
        "BESEDA_MODEL": "vllm:bench",
        "BESEDA_SPEECH": "asr",
        "ASR_BASE_URL": recogniser,
        "BESEDA_LIMITS": "off",
        "LOG_LEVEL": "warning",
    }
    return Kind("Beseda", command, environ)


async def _run(plan: Plan, crowd: MediaCrowd, bot: BotProcess) -> _Run:
    memory = _Memory()
    speakers = range(_FIRST_SPEAKER, _FIRST_SPEAKER + plan.recordings)
    photographers = range(_FIRST_PHOTOGRAPHER, _FIRST_PHOTOGRAPHER + plan.photos)
    async with _talking(plan, crowd), _watching(bot, memory):
        await _choose_modes(crowd, bot, {**dict.fromkeys(speakers, _AUDIO), **dict.fromkeys(photographers, _PHOTO)})
        await asyncio.sleep(plan.warm)
        quiet = time.perf_counter()
        await asyncio.sleep(plan.quiet)
        busy = time.perf_counter()
        recordings = _send(crowd, {chat: _recording(chat, plan) for chat in speakers}, _TRANSCRIPT)
        photos = _send(crowd, {chat: _photo(chat) for chat in photographers}, _ENHANCED)
        # Texts count as long as both kinds are under way: what comes after is less than was promised.
        await _until(crowd, lambda: recordings.is_done or photos.is_done, plan.within)
        calmer = time.perf_counter()
        await _until(crowd, lambda: recordings.is_done and photos.is_done, busy + plan.within - calmer)
    if not await crowd.wait(within=60) or crowd.strays:
        raise MeasuringError(f"{len(crowd.unanswered)} texts unanswered, {crowd.strays[:3]}:\n{bot.said()}")
    asked = list(crowd.questions.values())
    return _Run(
        quiet=[item for item in asked if quiet <= item.asked < busy],
        busy=[item for item in asked if busy <= item.asked < calmer],
        recordings=recordings,
        photos=photos,
        memory=memory,
    )


async def _choose_modes(crowd: MediaCrowd, bot: BotProcess, modes: dict[int, str]) -> None:
    """Press the button of a mode as a person does, and wait until the bot has said that it is on."""
    for chat, label in modes.items():
        crowd.write_as(chat, {"text": label})

    def are_chosen() -> bool:
        return all(any(label in text for text in crowd.senders[chat].said) for chat, label in modes.items())

    if not await _until(crowd, are_chosen, 30):
        said = next(
            sender.said for chat, sender in crowd.senders.items() if not any(modes[chat] in t for t in sender.said)
        )
        raise MeasuringError(f"a mode cannot be chosen, the bot said {said}:\n{bot.said()}")


def _send(crowd: MediaCrowd, files: dict[int, dict[str, object]], complete: frozenset[str]) -> Batch:
    started = time.perf_counter()
    for chat, content in files.items():
        crowd.write_as(chat, content)
    return Batch({chat: crowd.senders[chat] for chat in files}, started, complete)


def _recording(chat: int, plan: Plan) -> dict[str, object]:
    number = chat - _FIRST_SPEAKER
    name, mime = ("encoded", "audio/mpeg") if number < plan.encoded else ("opus", "audio/ogg")
    file_id = f"{name}-{number}"
    return {"audio": {"file_id": file_id, "file_unique_id": file_id, "duration": _HOUR, "mime_type": mime}}


def _photo(chat: int) -> dict[str, object]:
    file_id = f"photo-{chat - _FIRST_PHOTOGRAPHER}"
    return {"photo": [{"file_id": file_id, "file_unique_id": file_id, "width": 1280, "height": 960}]}


@asynccontextmanager
async def _talking(plan: Plan, crowd: MediaCrowd) -> AsyncIterator[None]:
    """Have the talkers write for the length of the block, one after the other, evenly."""

    async def talk() -> None:
        due, number = time.perf_counter(), 0
        while True:
            crowd.ask(_FIRST_TALKER + number % plan.talkers)
            due, number = due + plan.pace / plan.talkers, number + 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async with _beside(asyncio.create_task(talk())):
        yield


@asynccontextmanager
async def _watching(bot: BotProcess, memory: _Memory) -> AsyncIterator[None]:
    """Look every half second at what the bot and its children hold."""

    async def watch() -> None:
        while True:
            own, family = await asyncio.to_thread(bot.held_memory)
            memory.own, memory.family = max(memory.own, own), max(memory.family, family)
            await asyncio.sleep(_LOOK)

    async with _beside(asyncio.create_task(watch())):
        yield


@asynccontextmanager
async def _beside(task: asyncio.Task[None]) -> AsyncIterator[None]:
    """Keep a task that has no end for the length of the block; what it raises is raised."""
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(crowd: MediaCrowd, is_so: Callable[[], bool], within: float) -> bool:
    """Wait up to `within` seconds for what comes about by something the bot sends; return whether it did."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not is_so():
                crowd.heard.clear()
                await crowd.heard.wait()
    return is_so()


def _rows(plan: Plan, run: _Run) -> list[Row]:
    quiet, busy = ([item.waited * 1000 for item in items] for items in (run.quiet, run.busy))
    heard, enhanced = run.recordings.arrivals(), run.photos.arrivals()
    rows = [
        Row("a text's wait p50", "ms", percentile(busy, 0.5), percentile(quiet, 0.5)),
        Row("a text's wait p95", "ms", percentile(busy, 0.95), percentile(quiet, 0.95), _ADDED),
        Row("a text's wait at most", "ms", max(busy), max(quiet)),
        Row("memory with children at most", "MiB", run.memory.family, bar=_MEMORY),
        Row("memory of the bot alone at most", "MiB", run.memory.own),
        Row(f"recordings of {plan.recordings} that did not arrive", "", plan.recordings - len(heard), bar=_NONE),
        Row(f"photos of {plan.photos} that did not arrive", "", plan.photos - len(enhanced), bar=_NONE),
    ]
    if heard:
        rows.append(Row("recordings, as mixed", "hours a minute", len(heard) / heard[-1] * 60))
    if enhanced:
        rows.append(Row("photos", "a minute", len(enhanced) / enhanced[-1] * 60))
    return [*rows, *_extrapolate(plan, run)]


def _extrapolate(plan: Plan, run: _Run) -> list[Row]:
    """Return how long it takes, or would take, if every recording had to be made Opus."""
    encoded = {chat: one for chat, one in run.recordings.senders.items() if chat - _FIRST_SPEAKER < plan.encoded}
    took = Batch(encoded, run.recordings.started, run.recordings.complete).arrivals()
    if not took:
        return []
    name = "measured" if plan.encoded == plan.recordings == len(took) else "extrapolated"
    return [Row(f"{plan.recordings} recordings in MP3 ({name})", "s", took[-1] * plan.recordings / len(took))]


def _note(plan: Plan, run: _Run) -> str:
    both = max((item.asked for item in run.busy), default=0.0) - run.recordings.started
    return (
        f"{plan.recordings} recordings of an hour, {plan.encoded} of them MP3 and the others Opus as it is wanted, and "
        f"{plan.photos} photos at once, on both cores; {plan.talkers} people write every {plan.pace:g} s and "
        f"wait for the whole answer, over the {both:.0f} s in which both kinds are under way; "
        f"reference: the {plan.quiet:g} s before; memory: RSS summed every {_LOOK:g} s"
    )


def _make_files(folder: Path) -> dict[str, bytes]:
    """Return a recording that has to be encoded, one that does not, and a photo, each as bytes."""
    mp3, opus, photo = folder / "hour.mp3", folder / "hour.ogg", folder / "photo.jpg"
    for target, codec in ((mp3, ("libmp3lame", "-b:a", "32k")), (opus, ("libopus", "-b:a", "18k"))):
        minute = target.with_stem("minute")
        _call("-f", "lavfi", "-i", _SOUND, "-ac", "1", "-c:a", *codec, minute)
        _call("-stream_loop", str(_HOUR // 60 - 1), "-i", minute, "-c", "copy", target)
    return {"encoded": mp3.read_bytes(), "opus": opus.read_bytes(), "photo": make_photo(photo, "1280x960")}


def make_photo(target: Path, size: str) -> bytes:
    """Return a grainy picture of `size` ("640x480") as JPEG, made as the file `target`."""
    picture = f"testsrc2=size={size},noise=alls=12"
    _call("-f", "lavfi", "-i", picture, "-frames:v", "1", "-q:v", "4", target)
    return target.read_bytes()


def _call(*arguments: str | Path) -> None:
    command = [str(find_ffmpeg()), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    if subprocess.run(command, timeout=120, check=False).returncode != 0:
        raise MeasuringError(f"ffmpeg did not make {arguments[-1]}")
