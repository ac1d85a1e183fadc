"""The first lines of services: the address before all else, JSON where the log is JSON."""

import asyncio
import re
import signal
from pathlib import Path

import orjson
import pytest

from botapi_sandbox import BotAccount, SandboxSettings, serve_sandbox
from tests.acceptance.program import PROGRAM, Program

TOKEN = "7100000001:sandbox-token-of-sales"


async def _read_start(beseda: Program, *arguments: str, until: str) -> list[str]:
    """Return everything that a service prints, stderr included, up to the line with `until`."""
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, *arguments, "--port", "0"),
        cwd=beseda.folder,
        env=beseda.environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(40):
            while not lines or until not in lines[-1]:
                lines.append((await process.stdout.readline()).decode().rstrip())
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 60)
    return lines


async def test_the_address_is_the_first_line_of_run(beseda: Program) -> None:
    del beseda.environ["BESEDA_MODEL"]
    lines = await _read_start(beseda, "run", until="Beseda is up")
    assert re.fullmatch(r"Talk to it here: http://127\.0\.0\.1:\d+/sandbox", lines[0]), lines
    assert len(lines) == 2


async def test_the_start_names_the_button_that_connects_a_model(beseda: Program) -> None:
    beseda.environ["BESEDA_MODEL"] = ""
    lines = await _read_start(beseda, "run", until="Connect a model")
    assert "the demo answers" in lines[-1]


async def test_the_owner_reads_at_the_start_which_bots_answer_strangers(beseda: Program, tmp_path: Path) -> None:
    account = BotAccount(TOKEN, "sales_bot", "Sales")
    async with serve_sandbox(SandboxSettings((account,), tmp_path / "telegram")) as telegram:
        program = beseda.with_environ(SALES_BOT_TOKEN=TOKEN, TELEGRAM_API_URL=telegram.base_url)
        opened = await _read_start(program, "run", "--bot", "sales", until="ADMIN_IDS")
        closed = await _read_start(program.with_environ(ADMIN_IDS="1"), "run", "--bot", "sales", until="ADMIN_IDS")
    assert opened[-1].startswith("The bots answer everyone who finds them: set ADMIN_IDS")
    assert closed[-1] == "ADMIN_IDS does not close sales: bot.yaml has `access: everyone`"


@pytest.mark.parametrize(
    ("command", "until"),
    [("run", "Beseda is up"), ("worker", "worker is up"), ("beat", "clock is up"), ("sandbox", "assistant_bot")],
)
async def test_every_line_of_a_start_is_json_if_the_log_is(command: str, until: str, beseda: Program) -> None:
    lines = await _read_start(beseda.with_environ(BESEDA_LOG_FORMAT="json"), command, until=until)
    assert all(orjson.loads(line)["message"] for line in lines), lines
