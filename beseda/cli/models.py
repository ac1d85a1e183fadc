"""`beseda models`: which endpoints there are, which are set up, which answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async

if TYPE_CHECKING:
    from beseda.llm.endpoints import Endpoint
    from beseda.llm.registry import LLMSettings

app = typer.Typer(help="The models that can answer.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the endpoints: which are set up, and whether those answer."""
    from beseda.cli.output import print_json
    from beseda.config.model import llm_settings

    rows = run_async(_look(llm_settings(read_settings(config))))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        mark = {True: "✓", False: "✗", None: "·"}[row.answers]
        typer.echo(f"{mark} {row.endpoint:<12} {row.model:<40} {row.detail}")


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint as the list shows it; `answers` is None where it is not set up."""

    endpoint: str
    model: str
    answers: bool | None
    detail: str


async def _look(settings: "LLMSettings") -> list[EndpointRow]:
    import asyncio

    from beseda.llm.endpoints import ENDPOINTS

    return await asyncio.gather(*(_describe(row, settings) for row in ENDPOINTS))


async def _describe(row: "Endpoint", settings: "LLMSettings") -> EndpointRow:
    from beseda.errors import BesedaError
    from beseda.kit.clock import SystemClock
    from beseda.llm.http import HttpClient
    from beseda.llm.registry import build_model, list_configured

    if row not in list_configured(settings):
        needed = row.key_variable if row.needs_key else row.url_variable
        return EndpointRow(row.name, row.default_model, None, f"not set up: set {needed}")
    http = HttpClient()
    try:
        health = await build_model(row.name, settings, SystemClock(), http).check()
    except BesedaError as error:  # a key that is none: the others are listed all the same
        return EndpointRow(row.name, row.default_model, False, str(error))
    finally:
        await http.close()
    size = f", reads {health.context:,} tokens" if health.context else ""
    return EndpointRow(row.name, health.model or row.default_model, health.ok, f"{health.detail}{size}")
