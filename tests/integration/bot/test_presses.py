"""A button acts on what it names, however late or often it is pressed."""

from pathlib import Path
from typing import Any

from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.integration.bot.test_media import HELLO, env
from tests.parts.living_bot import ANNA, GROUP, living_bot
from tests.parts.speech_server import SpeechServer

SLOW = ScriptedAnswer(pieces=tuple(f"word{number} " for number in range(40)), pause=0.05)


def _press(data: str, message: dict[str, Any], number: str = "1") -> dict[str, Any]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    return {"callback_query": {"id": number, "from": person, "message": message, "chat_instance": "1", "data": data}}


async def test_stop_button_of_an_earlier_answer_does_not_stop_the_next_one(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel([SLOW, SLOW])) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot one")
        first = await anna.wait_reply()
        button = first["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        await living.settle()
        await anna.say("@assistant_bot two")
        await anna.wait_reply()
        await living.inject(_press(button, first))
        await living.wait_for_calls("answerCallbackQuery")
        await living.settle()
        assert "word39" in (await anna.history())[-1]["text"]
        said = (await living.calls("answerCallbackQuery"))[-1]["params"]["text"]
    assert said == "Я сейчас и так молчу."


async def test_native_stop_of_an_earlier_draft_does_not_stop_the_next_answer(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["First answer.", SLOW])) as living:
        anna = await living.user()
        await anna.say("A")
        await anna.wait_text("First answer.")
        await anna.say("B")
        await anna.wait_draft()
        chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
        await living.inject({"stopped_message_generation": {"chat": chat, "draft_id": "111"}})
        await living.settle()
        assert "word39" in (await anna.history())[-1]["text"]


async def test_again_pressed_twice_does_the_work_once(tmp_path: Path) -> None:
    async with SpeechServer() as speech, living_bot(tmp_path, ScriptedModel(), "media", **env(speech)) as living:
        anna = await living.user()
        await anna.say("🎤 Аудио")
        await anna.wait_text("Режим")
        await living.fault(kind="error", method="getFile", status=502, count=3)
        await anna.send_voice(HELLO)
        failed = await anna.wait_text("Telegram сейчас не отвечает", timeout=30)
        await living.settle()
        data = failed["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        assert data.startswith("job:again:")
        for number in ("1", "2", "3"):
            await living.inject(_press(data, failed, number))
        await anna.wait_text("Привет, мир", timeout=30)
        await living.settle()
        texts = [message["text"] for message in await anna.history() if "text" in message]
    assert len([text for text in texts if "Привет, мир" in text]) == 1


async def test_suggestion_pressed_twice_is_asked_once(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=ScriptedAnswer(pieces=("a lot",), delay=0.5))
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("/start")
        greeting = await anna.wait_reply()
        data = greeting["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        for number in ("1", "2"):
            await living.inject(_press(data, greeting, number))
        await anna.wait_text("a lot")
        await living.settle()
    assert len(model.requests) == 1
