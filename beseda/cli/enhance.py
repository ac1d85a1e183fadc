"""`beseda enhance`: photos made better, without a bot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async
from beseda.core.errors import BesedaError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beseda.config import Settings
    from beseda.images.base import Enhanced, EnhanceOptions, Enhancer


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The outcome of one photo: the result, or the reason that there is none."""

    source: Path
    target: Path
    made: "Enhanced | None" = None
    problem: str = ""


def enhance(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="The photos.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="A file for one photo, a folder for several.")
    ],
    scale: Annotated[str, typer.Option("--scale", help="1 to 4 times, or auto.")] = "auto",
    backend: Annotated[
        str | None,
        typer.Option("--backend", help="basic, gfpgan_docker, gfpgan_http, or a list with commas.", show_default=False),
    ] = None,
    only_center_face: Annotated[
        bool, typer.Option("--only-center-face", help="Restore the main face only (GFPGAN).")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make photos better: less noise, sharper, larger; with GFPGAN also faces. Exit 1 if one of them failed."""
    from beseda.images.base import EnhanceOptions

    options = EnhanceOptions(_read_scale(scale), only_center_face)
    settings = read_settings(config, photo=backend)
    plan = _plan(files, output)
    outcomes = run_async(_enhance_all(settings, plan, options))
    _report(outcomes, as_json)
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)


def _read_scale(text: str) -> int | None:
    if text == "auto":
        return None
    if text not in {"1", "2", "3", "4"}:
        raise SettingsError(f"--scale is 1, 2, 3, 4 or auto, not {text!r}")
    return int(text)


def _plan(files: Sequence[Path], output: Path) -> list[tuple[Path, Path]]:
    """Return each source with its target. No source is ever overwritten, and no two sources share a target.

    Creates the folder if it does not exist. Raises SettingsError if the files and the output do not fit together.
    """
    from beseda.images.base import SUFFIXES

    if missing := [file for file in files if not file.is_file()]:
        raise SettingsError(f"{missing[0]} is not a file" if missing[0].exists() else f"there is no file {missing[0]}")
    is_file = output.suffix.lower() in SUFFIXES and not output.is_dir()
    if len(files) > 1 and is_file:
        raise SettingsError(f"{len(files)} photos do not fit into one file: give a folder with -o")
    if is_file:
        if output.exists() and output.samefile(files[0]):
            raise SettingsError(f"{output} is the photo itself: give another file with -o")
        if not output.parent.is_dir():
            raise SettingsError(f"there is no folder {output.parent}")
        return [(files[0], output)]
    if output.suffix and not output.is_dir():
        raise SettingsError(f"-o {output}: a photo is written as {', '.join(SUFFIXES)}; anything else names a folder")
    return list(_plan_folder(files, output))


def _plan_folder(files: Sequence[Path], folder: Path) -> Iterator[tuple[Path, Path]]:
    from beseda.images.base import SUFFIXES

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"-o {folder} cannot be made a folder: {error.strerror}") from error
    # Resolved, because two names may lead to one file.
    taken = {file.resolve() for file in files}
    for file in files:
        suffix = file.suffix.lower() if file.suffix.lower() in SUFFIXES else ".jpg"
        stem = file.stem or "photo"
        target, number = folder / f"{stem}{suffix}", 1
        while target.resolve() in taken:
            number += 1
            target = folder / f"{stem}-{number}{suffix}"
        taken.add(target.resolve())
        yield file, target


async def _enhance_all(
    settings: "Settings", plan: Sequence[tuple[Path, Path]], options: "EnhanceOptions"
) -> list[_Outcome]:
    import asyncio

    from beseda.app_settings import photo_settings
    from beseda.images.process_pool import ImageProcessPool
    from beseda.images.registry import build_enhancer

    enhancer = build_enhancer(photo_settings(settings), ImageProcessPool())
    try:
        with _show_progress(len(plan)) as advance:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_enhance_one(enhancer, pair, options, advance)) for pair in plan]
            return [task.result() for task in tasks]
    finally:
        await enhancer.close()


async def _enhance_one(
    enhancer: "Enhancer", pair: tuple[Path, Path], options: "EnhanceOptions", advance: "Callable[[], None]"
) -> _Outcome:
    from beseda.cli.file_problem import describe_file_problem

    source, target = pair
    try:
        outcome = _Outcome(source, target, await enhancer.enhance(source, target, options))
    except BesedaError as error:
        outcome = _Outcome(source, target, problem=describe_file_problem(error))
    advance()
    return outcome


@contextmanager
def _show_progress(total: int) -> "Iterator[Callable[[], None]]":
    """Show a progress bar on stderr if it is a terminal; yield a function that advances it by one photo."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("photos", total=total)
        yield lambda: progress.advance(bar)


def _report(outcomes: Sequence[_Outcome], as_json: bool) -> None:
    from beseda.cli.output import print_json

    if as_json:
        print_json([_to_json(outcome) for outcome in outcomes])
    for outcome in outcomes:
        if outcome.made is None:
            typer.echo(f"beseda: {outcome.source}: {' '.join(outcome.problem.split())}", err=True)
        elif not as_json:
            made = outcome.made
            typer.echo(f"{outcome.source} -> {outcome.target}  {made.width}x{made.height}, {made.backend}")


def _to_json(outcome: _Outcome) -> dict[str, object]:
    from beseda.cli.output import show_path

    names = {"source": show_path(outcome.source), "target": show_path(outcome.target)}
    return {**names, "problem": outcome.problem} if outcome.made is None else {**names, "made": outcome.made}
