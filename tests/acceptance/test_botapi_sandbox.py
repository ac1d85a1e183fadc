"""`botapi-sandbox` as a program of its own: with a bot that knows nothing but the Bot API, and without Beseda."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from botapi_sandbox import SandboxUser
from tests.acceptance.program import Outcome, Program

PROGRAM = (sys.executable, "-m", "botapi_sandbox")
ANNA = 7000000001
# A bot of the standard library alone: it answers with the text reversed, and ends at "bye".
BOT = """
import json, os, sys, urllib.request

def call(method, **fields):
    url = f"{os.environ['TELEGRAM_API_URL']}/bot{os.environ['BOT_TOKEN']}/{method}"
    request = urllib.request.Request(url, json.dumps(fields).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["result"]

print(call("getMe")["username"], os.environ["ECHO_BOT_TOKEN"], flush=True)
offset = 0
while True:
    for update in call("getUpdates", offset=offset, timeout=30):
        offset = update["update_id"] + 1
        message = update["message"]
        call("sendMessage", chat_id=message["chat"]["id"], text=message["text"][::-1])
        if message["text"] == "bye":
            call("getUpdates", offset=offset)
            sys.exit(7)
"""
# Runs the program, and ends with the modules of Beseda that were loaded on the way.
WATCHED = """
import importlib, pkgutil, sys
import botapi_sandbox
from botapi_sandbox.__main__ import main
for module in pkgutil.walk_packages(botapi_sandbox.__path__, "botapi_sandbox."):
    importlib.import_module(module.name)
try:
    main()
except SystemExit as end:
    print("LOADED", *[name for name in sys.modules if name.split(".")[0] == "beseda"], file=sys.stderr)
    raise
"""


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """The program in an empty folder, with nothing set."""
    started = Program(tmp_path)
    yield started
    await started.close()


async def run(program: Program, *arguments: str) -> Outcome:
    return await program(*arguments, program=PROGRAM)


async def read_address(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    line = (await asyncio.wait_for(stream.readline(), 60)).decode()
    match = re.fullmatch(r"Sandbox: (http://127\.0\.0\.1:\d+)/sandbox \(set TELEGRAM_API_URL=\1\)\n", line)
    assert match is not None, line + (await stream.read()).decode()
    return match[1]


@asynccontextmanager
async def serving(program: Program, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Serve without a command for the length of the block, then end by SIGTERM with code 0."""
    process = await program.spawn("--port", "0", *arguments, program=PROGRAM)
    yield process, await read_address(process.stdout)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_bot_runs_against_the_sandbox_and_beseda_is_never_loaded(program: Program) -> None:
    (program.folder / "bot.py").write_text(BOT)
    command = ("--port", "0", "--token", "echo=1:secret", "--run", f"{sys.executable} bot.py")
    process = await program.spawn(*command, program=(sys.executable, "-c", WATCHED))
    address = await read_address(process.stderr)
    async with SandboxUser(address, ANNA, f"echo_bot:{ANNA}") as anna, aiohttp.ClientSession() as web:
        await anna.say("abc")
        assert (await anna.wait_reply())["text"] == "cba"
        async with web.get(f"{address}/sandbox") as page, web.get(f"{address}/sandbox/static/main.js") as script:
            assert (page.content_type, script.content_type) == ("text/html", "text/javascript")
        await anna.say("bye")
        assert (await anna.wait_reply())["text"] == "eyb"
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out.decode()) == (7, "echo_bot 1:secret\n")
    assert err.decode().splitlines()[-1] == "LOADED"
    assert [path.name for path in program.folder.iterdir()] == ["bot.py"]


async def test_sandbox_passes_a_signal_on_to_its_command(program: Program) -> None:
    script = "import signal, sys; signal.signal(15, lambda *_: sys.exit(3)); print(1, flush=True); signal.pause()"
    (program.folder / "wait.py").write_text(script)
    process = await program.spawn("--port", "0", "--run", f"{sys.executable} wait.py", program=PROGRAM)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"1\n"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 3


@pytest.mark.slow
async def test_command_that_ignores_the_signal_is_killed(program: Program) -> None:
    script = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); [signal.pause() for _ in 'ab']"
    (program.folder / "deaf.py").write_text(script)
    process = await program.spawn("--port", "0", "--run", f"{sys.executable} deaf.py", program=PROGRAM)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"1\n"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 128 + signal.SIGKILL


async def test_command_that_a_signal_ends_has_the_code_of_a_shell(program: Program) -> None:
    command = f"{sys.executable} -c 'import os; os.kill(os.getpid(), 9)'"
    assert (await run(program, "--port", "0", "--run", command)).code == 128 + signal.SIGKILL


async def test_ctrl_c_ends_the_sandbox(program: Program) -> None:
    process = await program.spawn("--port", "0", program=PROGRAM)
    await read_address(process.stdout)
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 30) == 0


@pytest.mark.parametrize("options", [(), ("--data", "kept")], ids=["gone", "kept"])
async def test_chats_last_where_a_folder_is_given(options: tuple[str, ...], program: Program) -> None:
    async with serving(program, *options) as (_, address), SandboxUser(address, ANNA, f"demo_bot:{ANNA}") as anna:
        await anna.say("привет")
    async with serving(program, *options) as (_, address), SandboxUser(address, ANNA, f"demo_bot:{ANNA}") as anna:
        assert [message["text"] for message in await anna.history()] == ["привет"] * bool(options)
    assert [path.name for path in program.folder.iterdir()] == ["kept"] * bool(options)


WRONG = {
    "token": (["--token", "echo"], ["--token", "NAME=TOKEN"]),
    "token-form": (["--token", "echo=s3cret"], ["--token", "NAME=TOKEN"]),
    "token-twice": (["--token", "a=1:s3cret-one", "--token", "b=1:s3cret-two"], ["--token", "b has", "another bot"]),
    "port-word": (["--port", "web"], ["--port", "int", "'web'"]),
    "port-number": (["--port", "99999"], ["--port", "99999", "0 to 65535"]),
    "command": (["--run", "no-such-program --flag"], ["--run", "no-such-program"]),
    "command-empty": (["--run", " "], ["--run", "empty"]),
    "command-quote": (["--run", "echo 'a"], ["--run", "quotation"]),
    "data": (["--port", "0", "--data", "/dev/null/x"], ["/dev/null", "Not a directory"]),
    "option": (["--tokens", "a=1:b"], ["--tokens"]),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
async def test_bad_input_is_one_line(arguments: list[str], words: list[str], program: Program) -> None:
    failed = await run(program, *arguments)
    assert (failed.code, failed.out) == (2, "")
    assert re.fullmatch(r"botapi-sandbox: [^\n]+\n", failed.err)
    assert [word for word in words if word not in failed.err] == []
    assert "s3cret" not in failed.err


async def test_taken_port_is_one_line(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = await run(program, "--port", port, "--run", "true")
    assert (failed.code, failed.out) == (2, "")
    assert re.fullmatch(rf"botapi-sandbox: .*port {port}.*--port.*in use\n", failed.err)


async def test_folder_of_a_sandbox_without_data_is_removed(program: Program) -> None:
    async with serving(program.with_environ(TMPDIR=str(program.folder))):
        assert [path.name.startswith("botapi-sandbox-") for path in program.folder.iterdir()] == [True]
    assert list(program.folder.iterdir()) == []
