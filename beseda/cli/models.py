"""`beseda models`: which endpoints there are, which are set up, which answer; a model on this machine."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async
from beseda.core.errors import BesedaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beseda.config import Settings
    from beseda.http.endpoints import Endpoint
    from beseda.llm.local_server import StartedServer
    from beseda.llm.registry import LLMSettings

app = typer.Typer(help="The models that can answer.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the endpoints: which are set up, and whether those answer."""
    from beseda.app_settings import llm_settings
    from beseda.cli.output import print_json

    rows = run_async(_look(llm_settings(read_settings(config))))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        mark = {True: "✓", False: "✗", None: "·"}[row.answers]
        typer.echo(f"{mark} {row.endpoint:<12} {row.model:<40} {row.detail}")


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint as the list shows it; `answers` is None if the endpoint is not set up."""

    endpoint: str
    model: str
    answers: bool | None
    detail: str


async def _look(settings: "LLMSettings") -> list[EndpointRow]:
    import asyncio

    from beseda.http.endpoints import CHAT_ENDPOINTS

    return await asyncio.gather(*(_describe(row, settings) for row in CHAT_ENDPOINTS))


async def _describe(row: "Endpoint", settings: "LLMSettings") -> EndpointRow:
    from beseda.core.clock import SystemClock
    from beseda.http.client import HttpClient
    from beseda.llm.registry import build_model, list_configured

    if row not in list_configured(settings):
        needed = row.key_variable if row.needs_key else row.url_variable
        return EndpointRow(row.name, row.chat.default_model, None, f"not set up: set {needed}")
    http = HttpClient()
    try:
        health = await build_model(row.name, settings, SystemClock(), http).check()
    except BesedaError as error:  # a key that is none: the others are listed all the same
        return EndpointRow(row.name, row.chat.default_model, False, str(error))
    finally:
        await http.close()
    size = f", reads {health.context:,} tokens" if health.context else ""
    return EndpointRow(row.name, health.model or row.chat.default_model, health.ok, f"{health.detail}{size}")


@app.command("fetch")
def fetch_model(
    model: Annotated[str, typer.Argument(help="smollm2, or the https address of a GGUF file.", show_default=False)],
    sha256: Annotated[str, typer.Option("--sha256", help="SHA-256 of the file behind an address.")] = "",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the server listens.")] = 8080,
    context: Annotated[int, typer.Option("--context", min=256, help="Tokens of one conversation.")] = 2048,
    slots: Annotated[int, typer.Option("--slots", min=1, max=64, help="Conversations at once.")] = 4,
    config: ConfigOption = None,
) -> None:
    """Put a model on this machine and start a llama.cpp server for it; bots that run already find it."""
    settings = read_settings(config)
    started = run_async(_fetch(settings, model, sha256, (port, context, slots)))
    typer.echo(f"{Path(started.plan.file).name} answers at {started.base_url} (process {started.process})")
    if model == "smollm2":
        typer.echo("It is tiny and speaks English only: enough to try the bots without a key, no more.")
    typer.echo("`beseda models stop` ends it.")


@app.command("stop")
def stop_model(config: ConfigOption = None) -> None:
    """End the server that `models fetch` started."""
    if not run_async(_stop(read_settings(config))):
        typer.echo("no server of `beseda models fetch` is running")


async def _fetch(settings: "Settings", model: str, sha256: str, shape: tuple[int, int, int]) -> "StartedServer":
    from beseda.app_settings import models_folder
    from beseda.core.clock import SystemClock
    from beseda.http.client import HttpClient
    from beseda.llm.local_server import LocalServers, ServerPlan, find_packaged
    from beseda.llm.model_files import ModelFiles, ModelSource

    folder, http = models_folder(settings), HttpClient()
    try:
        if "://" in model:
            # The address and the hash are checked before anything is loaded.
            source = ModelSource.read(model, sha256)
            with _show_download(source.name) as progress:
                file = await ModelFiles(folder, SystemClock()).fetch(source, progress)
        else:
            file = find_packaged(model)
        port, context, slots = shape
        return await LocalServers(folder, http).start(ServerPlan(str(file), port, context, slots))
    finally:
        await http.close()


async def _stop(settings: "Settings") -> bool:
    from beseda.app_settings import models_folder
    from beseda.http.client import HttpClient
    from beseda.llm.local_server import LocalServers

    http = HttpClient()
    try:
        return await LocalServers(models_folder(settings), http).stop()
    finally:
        await http.close()


@contextmanager
def _show_download(name: str) -> "Iterator[Callable[[int, int], None]]":
    """Show a progress bar on stderr if it is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
