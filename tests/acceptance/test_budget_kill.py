"""A process killed between reserving and settling: what it held does not stay held, nothing is counted twice."""

import signal
import sqlite3
from pathlib import Path

import pytest

from botapi_sandbox import SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program
from tests.parts.living_bot import ANNA, TOKEN, account
from tests.parts.model_server import ModelServer, Reply
from tests.parts.waiting import eventually

pytestmark = pytest.mark.slow


def read_counters(folder: Path) -> list[tuple[int, int]]:
    with sqlite3.connect(folder / "data" / "beseda.db") as connection:
        return list(connection.execute("SELECT used, held FROM budget_counters"))


async def test_kill_between_reserve_and_settle(beseda: Program, tmp_path: Path) -> None:
    async with (
        ModelServer() as server,
        serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox,
        SandboxUser(sandbox.base_url, ANNA, f"assistant_bot:{ANNA}") as anna,
    ):
        program = beseda.with_environ(
            BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=sandbox.base_url,
            BESEDA_MODEL="vllm:small",
            VLLM_BASE_URL=server.base_url,
            BESEDA_BUDGET_USER_TOKENS="6000",
        )
        server.script(Reply(hang=True))
        server.default = Reply(text="here it is", usage=(12, 7))
        async with program.serve("run", "--no-sandbox") as service:
            await anna.say("one")

            async def is_asked() -> bool:
                return bool(server.requests)

            await eventually(is_asked)
            await service.stop(signal.SIGKILL)
        [(used, held)] = read_counters(tmp_path)
        assert used == 0
        assert held > 2048
        async with program.serve("run", "--no-sandbox"):
            await anna.wait_text("here it is")
            for text in ("two", "three", "four"):  # held twice, the budget would not do for these
                await anna.say(text)
                await anna.wait_text("here it is")

            async def is_settled() -> bool:
                return read_counters(tmp_path) == [(4 * 19, 0)]

            await eventually(is_settled)
