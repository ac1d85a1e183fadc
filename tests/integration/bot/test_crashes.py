"""A handler that crashes: its turn is closed, the person reads of it once and may try again, and no button spins on."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from beseda.core.errors import BesedaError, BrokenStreamError
from beseda.engine.turns.model import TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.llm.base import ModelEvent, ModelRequest
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, account, living_bot, run_bot

_HANDLERS = """
from beseda.engine.incoming import MessageKind
from beseda.engine.router import Router
from beseda.engine.handlers.chat import answer_text

router = Router()
crashes = []


@router.message(MessageKind.TEXT)
async def crash_first(context):
    if not crashes:
        crashes.append(1)
        raise ZeroDivisionError("a bug of the bot")
    await answer_text(context)


@router.command("crash")
async def crash(context):
    raise ZeroDivisionError("a bug of the bot")


@router.press("crash")
async def crash_at_press(context):
    raise ZeroDivisionError("a bug of the bot")


@router.press("silent")
async def say_nothing(context):
    pass


@router.press("long")
async def work_until_acknowledged(context):
    while not context.acknowledged:
        await context.bot.clock.sleep(0.05)


@router.answer
async def answer(context, question, turn):
    if question.text == "crash once it is asked" and turn is None:
        await context.bot.turns.open(question.open_turn(), question.as_message())
        raise ZeroDivisionError("a bug of the bot")
    if question.text == "crash once it is answered":
        await context.reply("This was said.")
        raise ZeroDivisionError("a bug of the bot")
    await context.bot.chat.answer(question, turn)
"""
_BOT = """title: {ru: "T", en: "T"}
about: {ru: "A", en: "A"}
greeting: {ru: "Hi", en: "Hi"}
commands: [start, crash]
window: 10
texts: {crash: {ru: "Падает", en: "Crashes"}}
"""
BROKEN = error_text(BrokenStreamError).say("ru")
APOLOGY = error_text(BesedaError).say("ru")


@pytest.fixture(autouse=True)
def bot(tmp_path: Path) -> None:
    folder = tmp_path / "bots" / "clumsy"
    folder.mkdir(parents=True)
    (folder / "bot.yaml").write_text(_BOT)
    (folder / "persona_prompt.md").write_text("You stumble.")
    (folder / "handlers.py").write_text(_HANDLERS)


def _press(data: str, number: int) -> dict[str, Any]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
    message = {"message_id": 1, "date": 1790000000, "chat": chat, "text": "a menu"}
    query = {"id": str(number), "from": person, "message": message, "chat_instance": "1", "data": data}
    return {"callback_query": query}


class _CrashingModel(ScriptedModel):
    """Crashes after the words of its first answer."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        async for event in super().stream(request):
            yield event
            if len(self.requests) == 1:
                raise ZeroDivisionError("a bug of a model")


async def test_crash_before_the_turn_is_reported_once_with_a_button_that_asks_the_model(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="fine again")
    async with living_bot(tmp_path, model, "clumsy") as living:
        anna = await living.user()
        await anna.say("Hello")
        apology = await anna.wait_reply()
        assert apology["text"] == APOLOGY
        await living.settle()
        assert [message["text"] for message in await anna.history()] == ["Hello", APOLOGY]
        await anna.press("🔄 Ещё раз")
        await anna.wait_text("fine again")
        await living.settle()
    assert [request.messages[-1].content for request in model.requests] == ["Hello"]


async def test_crash_within_the_turn_closes_it_with_its_reason(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="fine again"), "clumsy") as living:
        anna = await living.user()
        await anna.say("Hello")  # crashes before its turn
        await anna.wait_text(APOLOGY)
        await anna.say("crash once it is asked")
        apology = await anna.wait_reply()
        await living.settle()
        data = apology["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        turn = await TurnRepository(living.app.engine.database, living.app.engine.clock).find(
            int(data.removeprefix("retry:"))
        )
        assert turn is not None
        assert (turn.state, turn.reason, turn.unsent()) == (TurnState.FAILED, "crashed: ZeroDivisionError", [])
        await anna.press(data)
        await anna.wait_text("fine again")
        await living.settle()
        texts = [message["text"] for message in await anna.history()]
    assert texts.count(APOLOGY) == 2


async def test_crash_after_the_answer_adds_no_apology(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "clumsy") as living:
        anna = await living.user()
        await anna.say("Hello")
        await anna.wait_text(APOLOGY)
        await anna.say("crash once it is answered")
        await anna.wait_text("This was said.")
        await living.settle()
        assert [message["text"] for message in await anna.history()][-1] == "This was said."


async def test_crash_of_a_command_is_reported_without_a_button(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "clumsy") as living:
        anna = await living.user()
        await anna.say("/crash")
        apology = await anna.wait_reply()
        assert apology["text"] == APOLOGY
        assert "reply_markup" not in apology
        await living.settle()


async def test_crash_of_the_model_in_mid_answer_keeps_its_words(tmp_path: Path) -> None:
    async with living_bot(tmp_path, _CrashingModel(["Half of an answer"], fallback="fine again")) as living:
        anna = await living.user()
        await anna.say("one")
        kept = await anna.wait_reply()
        assert kept["text"] == f"Half of an answer\n\n{BROKEN}"
        await anna.press("🔄 Ещё раз")
        await anna.wait_text("fine again")
        await living.settle()


@pytest.mark.parametrize("data", ["crash", "silent", "of-an-earlier-version:1"])
async def test_spinner_of_a_button_always_ends(data: str, tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "clumsy") as living:
        await living.inject(_press(data, 77))
        await living.wait_for_calls("answerCallbackQuery")
        await living.settle()
        calls = await living.calls("answerCallbackQuery")
    assert [call["params"]["callback_query_id"] for call in calls] == ["77"]
    assert (calls[0]["params"].get("text") == APOLOGY) is (data == "crash")


async def test_spinner_ends_before_long_work_does(tmp_path: Path) -> None:
    async with (
        serve_sandbox(SandboxSettings((account("clumsy"),), tmp_path / "sandbox")) as sandbox,
        run_bot(tmp_path, ScriptedModel(), sandbox, "clumsy", clock="hurried") as living,
    ):
        await living.inject(_press("long", 77))
        await living.wait_for_calls("answerCallbackQuery")
        await living.settle()
