"""`beseda sandbox`: only the local Bot API server and its chat page."""

from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, PortOption, explain_port, open_storage, read_settings, serve_until_signal
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beseda.config import Settings

_DEFAULT = "assistant=7100000001:sandbox-token-of-the-assistant"


def sandbox(
    tokens: Annotated[
        list[str] | None,
        typer.Option("--token", help="NAME=TOKEN of a bot that may connect; may be given several times."),
    ] = None,
    port: PortOption = None,
    config: ConfigOption = None,
) -> None:
    """Serve a local Bot API server with a chat page, for bots of any kind. Point them at it with TELEGRAM_API_URL."""
    settings = read_settings(config, quiet=False, port=port)
    serve_until_signal(_serve(settings, tokens or [_DEFAULT]))


async def _serve(settings: "Settings", tokens: "Sequence[str]") -> None:
    import asyncio
    from contextlib import AsyncExitStack

    from beseda.cli.output import print_start_line
    from botapi_sandbox import SandboxSettings, read_accounts, serve_sandbox

    try:
        accounts = read_accounts(tokens)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    folder = open_storage(settings) / "sandbox"
    async with AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(
                serve_sandbox(SandboxSettings(accounts, folder, title="Beseda", keeps_chats=True), port=settings.port)
            )
        except OSError as error:
            raise SettingsError(explain_port("127.0.0.1", settings.port, error)) from error
        print_start_line(settings, f"Sandbox: {running.base_url}/sandbox (set TELEGRAM_API_URL={running.base_url})")
        for account in accounts:
            print_start_line(settings, f"  {account.username}: {account.token}")
        await asyncio.Event().wait()
