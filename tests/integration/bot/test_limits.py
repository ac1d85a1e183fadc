"""How fast messages are worked on: a flood waits, and every message of it is answered."""

from dataclasses import replace
from pathlib import Path

from beseda.engine.mishaps import CROWDED
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, CHRIS, LivingBot, account, living_bot, run_bot
from tests.parts.waiting import eventually

ON = {"BESEDA_LIMITS": "on"}


async def _texts(living: LivingBot, user_id: int = ANNA) -> list[str]:
    await living.wait_for_calls("sendMessage")
    await living.settle()
    return [message["text"] for message in await (await living.user(user_id)).history() if message["from"]["is_bot"]]


async def test_quick_lines_are_all_answered_a_second_apart(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model, **ON) as living:
        anna = await living.user()
        for number in range(3):
            await anna.say(f"line {number}")
        assert await _texts(living) == ["re: line 0", "re: line 1", "re: line 2"]


async def test_message_beyond_the_limit_waits_and_is_answered(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model, BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
        clock = _set_clock(living)
        anna = await living.user()
        await anna.say("one.")
        await anna.wait_text("re: one.")
        await anna.say("two.")
        await anna.say("three.")
        await living.wait_until_stored(2)
        await clock.wait_for_sleepers()
        await clock.advance(50)
        assert len(model.requests) == 1
        await clock.advance(11)
        await anna.wait_text("re: two.")
        await eventually(lambda: _answers_after(living, clock, "re: three."))
        assert await _texts(living) == ["re: one.", "re: two.", "re: three."]


async def test_message_that_waits_for_the_limit_is_answered_after_a_restart(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, model, sandbox, BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
            anna = await living.user()
            await anna.say("first")
            await anna.wait_text("re: first")
            await anna.say("second")
            await living.wait_until_stored(1)
        async with run_bot(tmp_path, model, sandbox, BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
            assert await _texts(living) == ["re: first", "re: second"]


async def test_flood_of_one_person_holds_up_no_other(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="answer"), BESEDA_LIMIT_USER_MINUTE="1", **ON) as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        for number in range(3):
            await anna.say(f"line {number}")
        await chris.say("hello")
        await chris.wait_text("answer")


async def test_crowd_is_answered_one_after_the_other(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="answer"), BESEDA_LIMIT_BOT_MINUTE="1", **ON) as living:
        clock = _set_clock(living)
        anna, chris = await living.user(), await living.user(CHRIS)
        await anna.say("Hello!")
        await anna.wait_text("answer")
        await chris.say("Hello!")
        await clock.wait_for_sleepers()
        await clock.advance(61)
        await chris.wait_text("answer")


async def test_backlog_of_an_hour_is_no_flood(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model, BESEDA_LIMIT_USER_MINUTE="3", **ON) as living:
        now = int(living.clock.now().timestamp())
        await living.bot.runner.take_in([_write(number, now - 3600 + 200 * number) for number in range(9)])
        await living.settle()
        assert await _texts(living) == [f"re: line {number}" for number in range(9)]


async def test_clock_set_back_blocks_no_chat(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model, BESEDA_LIMIT_USER_MINUTE="3", **ON) as living:
        ahead = int(living.clock.now().timestamp()) + 7200
        await living.bot.runner.take_in([_write(number, ahead + 60 * number) for number in range(3)])
        await living.settle()
        assert await _texts(living) == [f"re: line {number}" for number in range(3)]


async def test_sender_of_more_than_a_hundred_is_warned_once_and_answered(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("re: line 0",), delay=1.0)
    model = ScriptedModel([slow], fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model) as living:
        await living.bot.runner.take_in([_write(number, 0) for number in range(120)])
        assert living.bot.runner.pending == 100
        anna = await living.user()
        await anna.wait_text(CROWDED.say("ru"))
        await eventually(lambda: _is_idle(living), within=60)
        texts = await _texts(living)
        notices = [
            call["params"] for call in await living.calls("sendMessage") if CROWDED.say("ru") in call["params"]["text"]
        ]
    assert [text for text in texts if text != CROWDED.say("ru")] == [f"re: line {number}" for number in range(120)]
    assert [notice["reply_parameters"]["message_id"] for notice in notices] == [900_100]


def _set_clock(living: LivingBot) -> ManualClock:
    clock = ManualClock()
    living.bot.runner.bot = replace(living.bot.runner.bot, clock=clock)
    return clock


async def _answers_after(living: LivingBot, clock: ManualClock, text: str) -> bool:
    await clock.advance(10)
    return text in [message["text"] for message in await (await living.user()).history()]


async def _is_idle(living: LivingBot) -> bool:
    return not living.bot.runner.pending and not await living.unfinished()


def _write(number: int, date: int) -> dict[str, object]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
    message = {"message_id": 900_000 + number, "date": date, "chat": chat, "from": person, "text": f"line {number}"}
    return {"update_id": 900_000 + number, "message": message}


async def test_no_limit_by_default(tmp_path: Path) -> None:
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
