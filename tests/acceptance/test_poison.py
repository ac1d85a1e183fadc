"""One message that kills the process does not keep it from starting for ever."""

import asyncio
from pathlib import Path

import pytest

from beseda.core.errors import SetAsideError
from beseda.locales.errors import error_text
from botapi_sandbox import BotAccount, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program
from tests.parts.living_bot import ANNA, CHRIS, TOKEN

pytestmark = pytest.mark.slow

_HANDLERS = """
import os

from beseda.engine.router import Router

router = Router()


@router.command("boom")
async def boom(context):
    os._exit(139)
"""
_BOT = """title: {ru: "F", en: "F"}
about: {ru: "F", en: "F"}
greeting: {ru: "Hi", en: "Hello there"}
commands: [start]
window: 10
"""


def _make_bot(folder: Path) -> None:
    bot = folder / "bots" / "fragile"
    bot.mkdir(parents=True)
    (bot / "bot.yaml").write_text(_BOT)
    (bot / "persona_prompt.md").write_text("You are fragile.")
    (bot / "handlers.py").write_text(_HANDLERS)


async def test_message_that_kills_the_process_three_times_is_set_aside_and_reported_once(tmp_path: Path) -> None:
    _make_bot(tmp_path)
    settings = SandboxSettings((BotAccount(TOKEN, "fragile_bot", "F"),), tmp_path / "sandbox")
    async with (
        serve_sandbox(settings) as sandbox,
        SandboxUser(sandbox.base_url, ANNA, f"fragile_bot:{ANNA}") as anna,
        SandboxUser(sandbox.base_url, CHRIS, f"fragile_bot:{CHRIS}") as chris,
    ):
        program = Program(tmp_path, {"FRAGILE_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": sandbox.base_url})
        command = ("bot", "--bot", "fragile", "--port", "0")
        await anna.say("/boom")
        codes = []
        for _ in range(3):
            process = await program.spawn(*command)
            codes.append(await asyncio.wait_for(process.wait(), 30))
            await process.communicate()
        async with program.serve(*command[:3]) as service:
            await anna.wait_text(error_text(SetAsideError).say("ru"), timeout=20)
            await chris.say("/start")
            await chris.wait_text("Hello there")
            assert await service.stop() in {0, 130, 143}
        texts = [message["text"] for message in await anna.history() if message["from"]["is_bot"]]
        log = await asyncio.to_thread((tmp_path / "bot.log").read_text)
    await program.close()
    assert (codes, texts) == ([139] * 3, [error_text(SetAsideError).say("ru")])
    assert "are set aside" in log
