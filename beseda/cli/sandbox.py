"""`beseda sandbox`: only the local Bot API server and its chat page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.run import PortOption
from beseda.cli.settings import ConfigOption, explain_port, open_storage, read_settings, serve_until_signal
from beseda.errors import SettingsError

if TYPE_CHECKING:
    from beseda.config import Settings
    from botapi_sandbox import BotAccount

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
    serve_until_signal(_serve(settings, _read_accounts(tokens or [_DEFAULT])))


def _read_accounts(entries: Sequence[str]) -> "tuple[BotAccount, ...]":
    import re

    from botapi_sandbox import BotAccount

    accounts: dict[str, BotAccount] = {}
    for entry in entries:
        # Telegram's own form: a number, a colon, a secret.
        match = re.fullmatch(r"([A-Za-z][\w-]*)=(\d{1,16}:[A-Za-z0-9_-]{3,100})", entry, re.ASCII)
        if match is None:
            raise SettingsError("--token is written NAME=TOKEN, like --token assistant=123456:any-secret")
        account = BotAccount(match[2], f"{match[1].replace('-', '_')}_bot", match[1].title())
        if account.id in {other.id for other in accounts.values()} or account.username in accounts:
            raise SettingsError(f"--token: {match[1]} has the name or the number of another bot; give it its own")
        accounts[account.username] = account
    return tuple(accounts.values())


async def _serve(settings: "Settings", accounts: "tuple[BotAccount, ...]") -> None:
    import asyncio
    from contextlib import AsyncExitStack

    from beseda.cli.output import print_start_line
    from botapi_sandbox import SandboxSettings, serve_sandbox

    folder = open_storage(settings) / "sandbox"
    async with AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(
                serve_sandbox(SandboxSettings(accounts, folder, keeps_chats=True), port=settings.port)
            )
        except OSError as error:
            raise SettingsError(explain_port("127.0.0.1", settings.port, error)) from error
        print_start_line(settings, f"Sandbox: {running.base_url}/sandbox (set TELEGRAM_API_URL={running.base_url})")
        for account in accounts:
            print_start_line(settings, f"  {account.username}: {account.token}")
        await asyncio.Event().wait()
