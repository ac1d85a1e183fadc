"""How fast one may write: a burst is answered, a flood is refused once, politely, and not forgotten by a restart."""

from pathlib import Path

from beseda.errors import RateLimitedError
from beseda.sandbox.server import serve_sandbox
from beseda.sandbox.settings import SandboxSettings
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, CHRIS, LivingBot, account, living_bot, run_bot

NOTICE = RateLimitedError.text.ru
ON = {"BESEDA_LIMITS": "on"}


async def _texts(living: LivingBot, user_id: int = ANNA) -> list[str]:
    await living.settle()
    return [message["text"] for message in await (await living.user(user_id)).history() if message["from"]["is_bot"]]


async def test_quick_lines_are_all_answered_a_second_apart(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model, **ON) as living:
        anna = await living.user()
        for number in range(3):
            await anna.say(f"line {number}")
        assert await _texts(living) == ["re: line 0", "re: line 1", "re: line 2"]


async def test_flood_is_refused_once_and_a_restart_does_not_forget(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="answer")
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, model, sandbox, BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
            anna = await living.user()
            await anna.say("first")
            await anna.wait_text("answer")
            for number in range(3):
                await anna.say(f"more {number}")
            assert await _texts(living) == ["answer", NOTICE]
        async with run_bot(tmp_path, model, sandbox, BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
            anna = await living.user()
            await anna.say("after the restart")
            assert await _texts(living) == ["answer", NOTICE]
    assert len(model.requests) == 1


async def test_one_who_floods_holds_up_nobody_else(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="answer"), BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        for number in range(3):
            await anna.say(f"line {number}")
        await chris.say("hello")
        await chris.wait_text("answer")


async def test_bot_takes_so_much_and_no_more(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="answer"), BESEDA_LIMIT_BOT_MINUTE="1", **ON) as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        await anna.say("hello")
        await anna.wait_text("answer")
        await chris.say("hello")
        await chris.wait_text(RateLimitedError.text.en)


async def test_no_limit_where_none_is_set(tmp_path: Path) -> None:
    off = dict.fromkeys(("BESEDA_LIMIT_USER_MINUTE", "BESEDA_LIMIT_USER_HOUR", "BESEDA_LIMIT_BOT_MINUTE"), "0")
    async with living_bot(tmp_path, ScriptedModel(fallback="answer"), **off, **ON) as living:
        anna = await living.user()
        await anna.say("hello")
        await anna.wait_text("answer")


async def test_same_question_is_answered_again(tmp_path: Path) -> None:
    """A stopped answer, another model, another style: there are many reasons to ask the same once more."""
    model = ScriptedModel(["forty-two", "forty-three", "forty-four"])
    async with living_bot(tmp_path, model, **ON) as living:
        anna = await living.user()
        for answer in ("forty-two", "forty-three", "forty-four"):
            await anna.say("What is the meaning of life?")
            assert (await anna.wait_reply())["text"] == answer
