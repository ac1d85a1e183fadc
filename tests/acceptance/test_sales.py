"""The sales bot as a process: a whole sale without any model, and a kill in the middle of one."""

import contextlib
import sqlite3
from pathlib import Path

from botapi_sandbox import DEFAULT_USERS, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program
from tests.parts.living_bot import TOKEN, account
from tests.parts.model_server import ModelServer, Reply, fall_silent
from tests.parts.sales import find, form

ANNA = DEFAULT_USERS[0].id
SAID = "Разбираем заявки руками, 400 в день"


async def test_sale_needs_no_model(beseda: Program) -> None:
    async with beseda.serve("run", "--bot", "sales", "--sandbox") as service:
        root = service.url.split("/sandbox")[0]
        async with SandboxUser(root, ANNA, f"sales_bot:{ANNA}") as anna:
            for words, reply in (
                ("/start", "программа, а не человек"),
                ("Привет", "Какую задачу"),
                ("Вручную разбираем почту", "На что уходит больше всего времени?"),
                ("Хочу консультацию", "Могу предложить бесплатную консультацию"),
            ):
                await anna.say(words)
                assert reply in (await anna.wait_reply(20))["text"]
            await anna.press("📅 Выбрать время консультации")
            await anna.wait_text("На какой день")


async def test_kill_in_mid_answer_costs_neither_the_answer_nor_the_extraction(beseda: Program, tmp_path: Path) -> None:
    settings = SandboxSettings((account("sales"),), tmp_path / "sandbox")
    async with ModelServer() as model, serve_sandbox(settings) as sandbox:
        program = beseda.with_environ(
            SALES_BOT_TOKEN=TOKEN, TELEGRAM_API_URL=sandbox.base_url, VLLM_BASE_URL=model.base_url, BESEDA_MODEL="vllm"
        )
        async with SandboxUser(sandbox.base_url, ANNA, f"sales_bot:{ANNA}") as anna:
            facts = form(find("problems", "заявки руками"), find("volume", "400 в день"))
            model.script(Reply(text=facts), fall_silent())
            async with program.serve("run", "--bot", "sales"):
                await anna.say(SAID)
                await model.wait_for_request(2, timeout=20)
            model.script(Reply(text="Снова здесь"))
            async with program.serve("run", "--bot", "sales"):
                await anna.wait_text("Снова здесь", 20)
            answers = [message["text"] for message in await anna.history() if message["from"]["is_bot"]]
    assert answers == ["Снова здесь"]
    assert ["response_format" in request.body for request in model.requests] == [True, False, False]
    assert "- объём: 400 в день" in str(model.requests[2].body["messages"])
    assert _count_slots(tmp_path) == [("problems", 1), ("volume", 1)]


def _count_slots(folder: Path) -> list[tuple[str, int]]:
    with contextlib.closing(sqlite3.connect(next((folder / "data").glob("*.db")))) as database:
        return database.execute("SELECT name, count(*) FROM lead_slots GROUP BY name ORDER BY name").fetchall()
