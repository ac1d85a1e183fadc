"""`beseda run` and `beseda bot`: the bots themselves."""

from pathlib import Path
from typing import Annotated

import typer

from beseda.cli.settings import ConfigOption, HostOption, PortOption, read_settings, serve_until_signal

BotOption = Annotated[list[str] | None, typer.Option("--bot", help="A bot to run; may be given several times.")]


def run(
    bots: BotOption = None,
    sandbox: Annotated[
        bool | None,
        typer.Option("--sandbox/--no-sandbox", help="With or without the local chat page [default: without a token]."),
    ] = None,
    host: HostOption = None,
    port: PortOption = None,
    config: ConfigOption = None,
) -> None:
    """Run everything in one process: bots, API and web. Without any bot token the bots live in the sandbox."""
    _serve(config, sandbox=sandbox, with_api=True, bots=bots, host=host, port=port)


def bot(bots: BotOption = None, host: HostOption = None, port: PortOption = None, config: ConfigOption = None) -> None:
    """Run the bots alone, for several machines: no sandbox, health checks and webhooks on the port."""
    _serve(config, sandbox=False, bots=bots, host=host, port=port)


def _serve(config: Path | None, *, sandbox: bool | None, with_api: bool = False, **flags: object) -> None:
    settings = read_settings(config, quiet=False, **flags)
    from beseda.cli.process import serve
    from beseda.cli.run_options import RunOptions

    serve_until_signal(serve(RunOptions.of(settings, sandbox=sandbox, with_api=with_api)))
