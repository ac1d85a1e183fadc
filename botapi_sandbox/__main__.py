"""`botapi-sandbox`, or `python -m botapi_sandbox`: the local Bot API server as a program."""

import argparse
import asyncio
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import NoReturn

from botapi_sandbox.server import serve_sandbox
from botapi_sandbox.settings import SandboxSettings, read_accounts

_DEFAULT_TOKEN = "demo=7100000001:sandbox-token-of-the-demo"  # noqa: S105 - the sandbox takes any
# Seconds that the command gets after a signal: `docker stop` kills after ten unless it is set otherwise.
_GRACE = 8.0


class _StartError(Exception):
    """The sandbox or its command cannot start; the text is for the person at the terminal."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse prints the usage, too: the line that names the fault would be overlooked.
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve a sandbox until a signal, or until the command of `--run` ends, and exit with the command's code."""
    parser = _Parser("botapi-sandbox", allow_abbrev=False, description="A local Bot API server with a chat page.")
    parser.add_argument(
        "--port", type=int, default=8090, help="port on this machine; 0 takes a free one (default: 8090)"
    )
    parser.add_argument(
        "--token",
        metavar="NAME=TOKEN",
        action="append",
        dest="tokens",
        help=f"a bot that may connect; may be given several times (default: {_DEFAULT_TOKEN})",
    )
    parser.add_argument(
        "--run",
        metavar="COMMAND",
        type=_read_command,
        default=(),
        help="start a program with TELEGRAM_API_URL and BOT_TOKEN set to this sandbox, and end with it",
    )
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="keep chats and files there for the next start")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error(f"argument --port: {options.port} is no port; give a number from 0 to 65535")
    try:
        accounts = read_accounts(options.tokens or [_DEFAULT_TOKEN])
    except ValueError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="botapi-sandbox-") as gone_at_the_end:
        folder = options.data or Path(gone_at_the_end)
        settings = SandboxSettings(accounts, folder, keeps_chats=options.data is not None)
        try:
            code = asyncio.run(_serve(settings, options.port, options.run))
        except _StartError as error:
            parser.error(str(error))
    sys.exit(code)


def _read_command(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be split into words: {error}") from error
    if not words:
        raise argparse.ArgumentTypeError("the command is empty")
    if shutil.which(words[0]) is None:
        raise argparse.ArgumentTypeError(f"there is no program {words[0]!r}")
    return words


async def _serve(settings: SandboxSettings, port: int, command: Sequence[str]) -> int:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows: Ctrl-C alone, as Python has it
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        # A terminal sends Ctrl-C to the command, too, which may need its time to end.
        loop.add_signal_handler(signal.SIGINT, loop.call_later, _GRACE if command else 0, stopped.set)
    async with AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(serve_sandbox(settings, port=port))
        except OSError as error:
            where = error.filename or f"nothing can listen at 127.0.0.1, port {port}; try another --port"
            raise _StartError(f"{where}: {error.strerror}") from error
        # With a command, the standard output is the command's.
        output = sys.stderr if command else sys.stdout
        print(f"Sandbox: {running.base_url}/sandbox (set TELEGRAM_API_URL={running.base_url})", file=output)
        for account in settings.bots:
            print(f"  {account.username}: {account.token}", file=output, flush=True)
        if command:
            tokens = {f"{account.username.upper()}_TOKEN": account.token for account in settings.bots}
            environ = {"TELEGRAM_API_URL": running.base_url, "BOT_TOKEN": settings.bots[0].token, **tokens}
            return await _run(command, environ, stopped)
        await stopped.wait()
        return 0


async def _run(command: Sequence[str], environ: Mapping[str, str], stopped: asyncio.Event) -> int:
    try:
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environ})
    except OSError as error:
        raise _StartError(f"--run: {command[0]} cannot be started: {error.strerror}") from error
    ended, asked = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stopped.wait())
    await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not ended.done():
        process.terminate()
        await asyncio.wait({ended}, timeout=_GRACE)
    if not ended.done():
        process.kill()
    code = await ended
    return code if code >= 0 else 128 - code  # as a shell shows the end by a signal


if __name__ == "__main__":
    main()
