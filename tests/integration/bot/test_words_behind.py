"""Words behind a command that takes none: the command does its work, and the words are answered."""

from pathlib import Path

import pytest

from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, GROUP, living_bot

QUESTION = "what is the capital of France?"
COMMANDS = [
    ("assistant", ["start", "help", "clear", "stats"]),
    ("llama", ["start", "clear"]),
    ("hf_demo", ["start"]),
    ("real_estate", ["start", "reset", "mode_expert"]),
    ("sales", ["start", "consent", "contact", "meetings", "mydata", "forget", "subscribe", "unsubscribe"]),
]


@pytest.mark.parametrize(("bot", "command"), [(bot, command) for bot, several in COMMANDS for command in several])
async def test_words_behind_a_command_are_answered_after_its_work(bot: str, command: str, tmp_path: Path) -> None:
    model = ScriptedModel(fallback="Paris.")
    async with living_bot(tmp_path, model, bot) as living:
        assert command in living.bot.runner.bot.handlers.commands
        anna = await living.user()
        await anna.say(f"/{command} {QUESTION}")
        await anna.wait_text("Paris.")
        await living.settle()
        _, *said = [message.get("text", "") for message in await anna.history()]
    assert len(said) == 2
    assert "Paris." not in said[0]
    asked = [request.messages[-1].content for request in model.requests if request.schema is None]
    assert [words for words in asked if QUESTION in words] == asked


async def test_link_that_starts_a_bot_asks_nothing(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("/start spring-sale_26")
        await anna.wait_reply()
        await living.settle()
    assert model.requests == []


async def test_command_without_words_asks_nothing(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("/stats  ")
        await anna.wait_reply()
        await living.settle()
    assert model.requests == []


async def test_words_behind_a_command_in_a_group_are_answered(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="Paris.")) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say(f"/stats@assistant_bot {QUESTION}")
        answer = await anna.wait_text("Paris.")
        await living.settle()
        assert answer["reply_to_message"]["text"] == f"/stats@assistant_bot {QUESTION}"
