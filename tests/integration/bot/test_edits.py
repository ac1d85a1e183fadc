"""Messages that people edit: before the model was asked, and after."""

from pathlib import Path

import pytest

from beseda.core.errors import UnavailableError
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import ANNA, GROUP, LivingBot, living_bot
from tests.parts.model_events import said_in
from tests.parts.waiting import eventually


async def _asked(living: LivingBot, model: ScriptedModel, number: int) -> None:
    async def is_asked() -> bool:
        return len(model.requests) >= number

    await eventually(is_asked)
    await living.settle()


async def test_words_edited_while_they_wait_are_read_in_place_of_the_first(tmp_path: Path) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("four",), delay=0.5)], fallback="six")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Сколько будет 2+2?")
        waiting = await anna.say("Сколько будет 2+3?")
        await anna.edit(waiting["message_id"], "Сколько будет 3+3?")
        await anna.wait_text("six")
        await living.settle()
    assert [said_in(request)[-1] for request in model.requests] == ["Сколько будет 2+2?", "Сколько будет 3+3?"]


async def test_last_question_is_answered_again_in_place(tmp_path: Path) -> None:
    model = ScriptedModel(["Париж"], fallback="Хельсинки")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        asked = await anna.say("Столица Франции?")
        first = await anna.wait_reply()
        await living.settle()
        await anna.edit(asked["message_id"], "Столица Финляндии?")
        second = await anna.wait_text("Хельсинки")
        assert second["message_id"] == first["message_id"]
        await living.settle()
        await anna.say("А население?")
        await anna.wait_reply()
        await living.settle()
        assert len([one for one in await anna.history() if one["from"]["is_bot"]]) == 2
    assert said_in(model.requests[1]) == ["Столица Финляндии?"]
    assert said_in(model.requests[2]) == ["Столица Финляндии?", "Хельсинки", "А население?"]


async def test_long_answer_gives_way_to_a_short_one(tmp_path: Path) -> None:
    long = "\n\n".join(f"Абзац {number}. " + "слово " * 100 for number in range(20))
    model = ScriptedModel([long], fallback="коротко")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        asked = await anna.say("Расскажи всё.")
        for _ in range(3):
            await anna.wait_reply()
        await living.settle()
        await anna.edit(asked["message_id"], "Расскажи коротко.")
        await anna.wait_text("коротко")
        await living.settle()
        assert [one["text"] for one in await anna.history() if one["from"]["is_bot"]] == ["коротко"]


async def test_earlier_question_is_corrected_for_later_ones(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        first = await anna.say("Меня зовут Аня.")
        await anna.wait_reply()
        await anna.say("Я живу в Омске.")
        await anna.wait_reply()
        await living.settle()
        await anna.edit(first["message_id"], "Меня зовут Анна.")
        await living.settle()
        await anna.say("Как меня зовут?")
        await anna.wait_reply()
    assert len(model.requests) == 3
    assert said_in(model.requests[2])[0] == "Меня зовут Анна."


async def test_failed_question_is_answered_after_an_edit(tmp_path: Path) -> None:
    model = ScriptedModel([UnavailableError("down")], fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        asked = await anna.say("Привет!")
        await anna.wait_reply()
        await living.settle()
        await anna.edit(asked["message_id"], "Привет, бот!")
        await anna.wait_text("ok")
    assert said_in(model.requests[1]) == ["Привет, бот!"]


@pytest.mark.parametrize("text", ["/help", "Привет!"])
async def test_edit_that_changes_no_question_asks_nothing(tmp_path: Path, text: str) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        asked = await anna.say("Привет!")
        await anna.wait_reply()
        await living.settle()
        sender = {"id": ANNA, "is_bot": False, "first_name": "Анна"}
        chat = {"id": ANNA, "type": "private"}
        entities = [{"type": "bot_command", "offset": 0, "length": 5}] if text.startswith("/") else []
        message = {"message_id": asked["message_id"], "date": 0, "chat": chat, "from": sender}
        await living.inject({"edited_message": {**message, "text": text, "entities": entities}})
        await living.inject({"edited_message": {**message, "location": {"latitude": 1, "longitude": 2}}})
        await living.settle()
    assert len(model.requests) == 1


async def test_mention_added_by_an_edit_is_answered(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        asked = await anna.say("какая погода?")
        await living.settle()
        await anna.edit(asked["message_id"], "@assistant_bot какая погода?")
        await anna.wait_text("ok")
        await anna.edit(asked["message_id"], "@assistant_bot какая погода завтра?")
        await _asked(living, model, 2)
    assert [said_in(one)[-1].partition(": ")[2] for one in model.requests] == ["какая погода?", "какая погода завтра?"]
