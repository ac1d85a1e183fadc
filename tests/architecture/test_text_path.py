"""The way of one text through the program: how many of its files a reader has to open to follow it."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from beseda.testing.living_bot import ANNA, BOT, TOKEN, account
from beseda.testing.waiting import eventually
from botapi_sandbox.server import serve_sandbox
from botapi_sandbox.settings import SandboxSettings
from botapi_sandbox.user import SandboxUser
from scripts.source import show
from tests.acceptance.program import Program
from tests.parts.file_trace import ROOT
from tests.parts.model_server import ModelServer, Reply

# Files whose code runs between `getUpdates` returning and the update being finished: over a scripted model in the
# process, and over a server of the OpenAI wire with the command line around it. They may only fall.
BARS = {"scripted": 62, "server": 75}
TEXTS, MOST_TEXTS = 3, 12


@pytest.mark.parametrize("model", BARS)
async def test_a_text_passes_through_few_files(model: str, tmp_path: Path) -> None:
    """One bot as a process of its own: a private chat, SQLite, polling, a short answer.

    Timers of the process fire while a text is answered, and more of them on a busy machine. None of them fires in every
    span, so files count that run in all spans.
    """
    settings = SandboxSettings((account("assistant"),), tmp_path / "sandbox")
    async with (
        serve_sandbox(settings) as sandbox,
        ModelServer() as server,
        SandboxUser(sandbox.base_url, ANNA, f"{BOT}:{ANNA}") as anna,
    ):
        # Each answer differs: what was rendered lately is not rendered again.
        server.script(*(Reply(text=f"It is {number}.") for number in range(MOST_TEXTS + 1)))
        environ = {
            "PYTHONPATH": str(ROOT),
            "TRACE_FILE": str(tmp_path / "trace"),
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": sandbox.base_url,
            "VLLM_BASE_URL": server.base_url,
            "BESEDA_MODEL": "vllm",
        }
        program = Program(tmp_path, environ)
        try:
            traced = (sys.executable, "-m", "tests.parts.file_trace")
            arguments = ("bot", "--port", "0") if model == "server" else ()
            process = await program.spawn(*arguments, program=traced, piped=False)
            await _ask(anna, tmp_path)  # imports and caches are filled once
            files = await _trace(process, anna, tmp_path, 1)
            for number in range(2, MOST_TEXTS + 1):
                if number <= TEXTS or len(files) > BARS[model]:
                    files &= await _trace(process, anna, tmp_path, number)
        finally:
            await program.close()
    print(f"\nfiles on the way of a text, {model}: {len(files)} (bar {BARS[model]})", *sorted(files), sep="\n  ")
    assert "telegram/client.py" in files
    assert len(files) <= BARS[model], show(sorted(files))


async def _trace(process: Process, anna: SandboxUser, folder: Path, number: int) -> set[str]:
    process.send_signal(signal.SIGUSR1)
    await eventually(lambda: asyncio.to_thread((folder / f"trace.{number}.begun").exists))
    await _ask(anna, folder)
    process.send_signal(signal.SIGUSR2)
    found = folder / f"trace.{number}.files"
    await eventually(lambda: asyncio.to_thread(found.exists))
    return set(json.loads(await asyncio.to_thread(found.read_text)))


async def _ask(anna: SandboxUser, folder: Path) -> None:
    async def is_finished() -> bool:
        with contextlib.closing(sqlite3.connect(folder / "data" / "beseda.db")) as database:
            return not database.execute("SELECT 1 FROM updates WHERE finished_at IS NULL").fetchall()

    await anna.say("How much is two and two?")
    await anna.wait_reply()
    await eventually(is_finished)
