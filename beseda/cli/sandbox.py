"""`beseda sandbox`: only the local Bot API server and its chat page."""

from typing import Annotated

import typer

from beseda.cli.settings import ConfigOption, read_settings, run_async


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sandbox")(sandbox)


def sandbox(
    tokens: Annotated[
        list[str] | None,
        typer.Option("--token", help="NAME=TOKEN of a bot that may connect; may be given several times."),
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on [default: 8090].")] = None,
    config: ConfigOption = None,
) -> None:
    """Serve a local Bot API server with a chat page, for bots of any kind. Point them at it with TELEGRAM_API_URL."""
    import asyncio

    from beseda.errors import SettingsError
    from beseda.sandbox.server import serve_sandbox
    from beseda.sandbox.settings import BotAccount, SandboxSettings

    settings = read_settings(config, port=port)
    pairs = [entry.partition("=") for entry in tokens or ["assistant=7100000001:sandbox-token-of-the-assistant"]]
    if not all(name and token for name, _, token in pairs):
        raise SettingsError("--token is written NAME=TOKEN, like --token assistant=123456:any-secret")
    accounts = tuple(BotAccount(token, f"{name.replace('-', '_')}_bot", name.title()) for name, _, token in pairs)

    async def serve() -> None:
        folder = settings.storage_dir / "sandbox"
        async with serve_sandbox(SandboxSettings(accounts, folder), port=settings.port) as running:
            typer.echo(f"Sandbox: {running.base_url}/sandbox (set TELEGRAM_API_URL={running.base_url})")
            for account in accounts:
                typer.echo(f"  {account.username}: {account.token}")
            await asyncio.Event().wait()

    run_async(serve())
