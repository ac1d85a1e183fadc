"""`beseda transcribe`: recordings to text and subtitles, without a bot."""

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async
from beseda.core.errors import BesedaError, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from beseda.config import Settings
    from beseda.features.transcription import TranscriptionProgress, TranscriptionService
    from beseda.speech.transcript import Transcript

_SLOTS = 2  # programs at once
_PATIENCE = 600.0  # seconds for one request: nobody waits in a chat


@dataclass(frozen=True, slots=True)
class Order:
    """The options for each file."""

    language: str
    words_in: str  # language of the words around a text
    subtitles: bool
    folder: Path | None
    as_json: bool


@dataclass(slots=True)
class FileOutcome:
    """The outcome of one file; `problem` is empty if it succeeded."""

    file: Path
    transcript: "Transcript | None" = None
    problem: str = ""
    written: list[Path] = field(default_factory=list)


def transcribe(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Recordings or videos of any common kind.")],
    srt: Annotated[bool, typer.Option("--srt", help="Subtitles, too (without -o: instead of the text).")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the texts, else they are printed.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="endpoint:model, or a list with commas.")] = None,
    language: Annotated[str, typer.Option("--language", help="What is spoken, like ru or en.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Turn recordings of any length into text; exit 1 if any of them could not be heard as a whole."""
    settings = read_settings(config, speech=model)
    outcomes = run_async(_transcribe_all(settings, files, Order(language, settings.language, srt, output, as_json)))
    if as_json:
        from beseda.cli.output import print_json

        print_json([_to_plain(outcome) for outcome in outcomes])
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)


async def _transcribe_all(settings: "Settings", files: list[Path], order: Order) -> list[FileOutcome]:
    if order.folder is not None:
        order.folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    async with _open_service(settings) as service:
        for file in files:
            outcome = await _transcribe_one(service, file, order)
            _show(outcome, order, titled=len(files) > 1)
            outcomes.append(outcome)
    return outcomes


@asynccontextmanager
async def _open_service(settings: "Settings") -> "AsyncGenerator[TranscriptionService, None]":
    import asyncio
    import tempfile

    from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
    from beseda.features.transcription import TranscriptionService
    from beseda.speech.registry import SpeechSettings, UnconfiguredTranscriber, build_transcriber

    spec = ",".join(settings.speech)
    transcriber = build_transcriber(SpeechSettings(spec, settings.api_keys, settings.base_urls, timeout=_PATIENCE))
    if isinstance(transcriber, UnconfiguredTranscriber):
        raise SettingsError((await transcriber.check()).detail)
    ffmpeg = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(_SLOTS))
    try:
        with tempfile.TemporaryDirectory(prefix="beseda-") as folder:
            yield TranscriptionService(transcriber, ffmpeg, Path(folder))
    finally:
        await transcriber.close()


async def _transcribe_one(service: "TranscriptionService", file: Path, order: Order) -> FileOutcome:
    import asyncio

    from beseda.cli.file_problem import describe_file_problem

    outcome = FileOutcome(file)
    if not await asyncio.to_thread(file.is_file):
        outcome.problem = "it is a folder" if await asyncio.to_thread(file.is_dir) else "there is no such file"
        return outcome
    try:
        with _show_progress(file, wanted=not order.as_json) as listener:
            outcome.transcript = await service.transcribe(file, language=order.language, listener=listener)
    except BesedaError as error:
        outcome.problem = describe_file_problem(error)
        return outcome
    outcome.problem = _find_gaps(outcome.transcript, order)
    if order.folder is not None:
        outcome.written = _write(outcome.transcript, file.stem, order.folder, order)
    return outcome


def _find_gaps(transcript: "Transcript", order: Order) -> str:
    from beseda.speech.transcript import format_time

    if transcript.missed:
        gaps = ", ".join(f"{format_time(gap.start)}–{format_time(gap.end)}" for gap in transcript.missed)
        return f"could not be heard from {gaps}"
    if order.subtitles and not transcript.segments:
        return "this recogniser tells no times, so there are no subtitles"
    return ""


@contextmanager
def _show_progress(file: Path, *, wanted: bool) -> "Iterator[Callable[[TranscriptionProgress], None]]":
    """Show a progress bar on stderr if it is a terminal, with the time left as soon as it is measured."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    from beseda.speech.transcript import format_time

    console = Console(stderr=True)
    rest = TextColumn("{task.percentage:>3.0f} % {task.fields[left]}")
    columns = (TextColumn("{task.description}"), BarColumn(), rest)
    with Bar(*columns, console=console, transient=True, disable=not (wanted and console.is_terminal)) as bar:
        task = bar.add_task(escape(file.name), total=None, left="")

        def show(progress: "TranscriptionProgress") -> None:
            left = "" if progress.seconds_left is None else f"{format_time(progress.seconds_left)} left"
            about = f"{escape(file.name)}: {progress.stage}"
            bar.update(task, description=about, completed=progress.done, total=progress.total or None, left=left)

        yield show


def _write(transcript: "Transcript", stem: str, folder: Path, order: Order) -> list[Path]:
    from beseda.features.minutes import write_paragraphs
    from beseda.speech.transcript import write_srt

    text = write_paragraphs(transcript, order.words_in)

    written = [_write_new(folder, stem, ".txt", text + "\n")]
    if order.subtitles and transcript.segments:
        written.append(_write_new(folder, stem, ".srt", write_srt(transcript.segments)))
    return written


def _write_new(folder: Path, stem: str, suffix: str, text: str) -> Path:
    """Write a new file. Existing files are never overwritten: a number is added to the name instead."""
    for number in count(1):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            file = path.open("x", encoding="utf-8")
        except FileExistsError:
            continue
        try:
            with file:
                file.write(text)
        except OSError as error:
            path.unlink()
            raise OSError(error.errno, error.strerror, str(path)) from error
        return path
    raise AssertionError("numbers do not end")


def _show(outcome: FileOutcome, order: Order, *, titled: bool) -> None:
    from beseda.cli.answer import clean_text
    from beseda.cli.output import print_text, show_path
    from beseda.features.minutes import write_paragraphs
    from beseda.speech.transcript import write_srt

    if outcome.problem:
        typer.echo(f"beseda: {outcome.file}: {outcome.problem}", err=True)
    if order.as_json or outcome.transcript is None:
        return
    if outcome.written:
        typer.echo("\n".join(str(path) for path in outcome.written))
        return
    transcript = outcome.transcript
    text = write_srt(transcript.segments).rstrip() if order.subtitles else write_paragraphs(transcript, order.words_in)
    if text:
        print_text(f"== {show_path(outcome.file)} ==\n{clean_text(text)}\n" if titled else clean_text(text))


def _to_plain(outcome: FileOutcome) -> dict[str, object]:
    from dataclasses import asdict

    from beseda.cli.output import show_path

    facts: dict[str, object] = {"file": show_path(outcome.file), "ok": not outcome.problem, "problem": outcome.problem}
    if outcome.transcript is not None:
        facts |= asdict(outcome.transcript)
    return facts | {"written": [show_path(path) for path in outcome.written]}
