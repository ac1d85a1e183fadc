"""Refusals of Telegram that concern a chat, a topic, a message or a draft, and no formatting."""

import logging
from pathlib import Path

import pytest

from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import ANNA, FORUM, GROUP, LivingBot, living_bot

_SLOW = ScriptedAnswer(pieces=("Once ", "upon ", "a ", "time"), delay=0.6, pause=0.6)


async def test_answer_for_a_topic_that_is_gone_comes_once_outside_of_it(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"])) as living:
        anna = await living.user(ANNA, f"group:{FORUM}")
        chat = {"id": FORUM, "type": "supergroup", "title": "Forum", "is_forum": True}
        person = {"id": ANNA, "is_bot": False, "first_name": "Anna"}
        head = {"message_id": 99, "date": 1_700_000_000, "chat": chat, "from": person}
        topic = {"is_topic_message": True, "message_thread_id": 777}
        await living.inject({"message": {**head, **topic, "text": "@assistant_bot Hi"}})
        answer = await anna.wait_text("here")
        await living.settle()
        assert "message_thread_id" not in answer
        assert [message["text"] for message in await anna.history()] == ["here"]


async def test_closed_topic_costs_one_call(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"])) as living:
        await _refuse(living, "TOPIC_CLOSED")
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot Hi")
        await living.wait_for_calls("sendMessage")
        await living.settle()
        assert len(await living.calls("sendMessage")) == 1


async def test_model_is_not_asked_for_a_group_that_takes_no_messages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedModel(fallback="here")
    caplog.set_level(logging.WARNING, "beseda")
    async with living_bot(tmp_path, model) as living:
        await _refuse(living, "not enough rights to send text messages to the chat")
        anna = await living.user(ANNA, f"group:{GROUP}")
        for number in range(3):
            await anna.say(f"@assistant_bot question {number}")
            await living.wait_for_calls("sendMessage")
            await living.settle()
        assert len(await living.calls("sendMessage")) == 1
    assert len(model.requests) == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert str(GROUP) in warnings[0]


async def test_chat_that_refuses_drafts_is_shown_edits_in_the_same_answer(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel([_SLOW, _SLOW])) as living:
        words = "Bad Request: drafts are not allowed in this chat"
        await living.fault(method="sendMessageDraft", kind="error", status=400, description=words, count=100)
        anna = await living.user()
        for number in (1, 2):
            await anna.say("a story")
            await anna.wait_for(
                lambda event: event["type"] == "edit" and event["message"]["text"] == "Once upon a time"
            )
            await living.settle()
            assert len(await living.calls("sendMessage")) == number
        assert len(await living.calls("sendMessageDraft")) == 1


@pytest.mark.parametrize("words", ["MESSAGE_ID_INVALID", "message can't be edited", "something new"])
async def test_answer_is_sent_again_if_its_message_refuses_edits(tmp_path: Path, words: str) -> None:
    slow = ScriptedAnswer(pieces=("Once ", "upon"), pause=1.5)
    async with living_bot(tmp_path, ScriptedModel([slow])) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot a story")
        first = await anna.wait_reply()
        await _refuse(living, words, "editMessageText")
        anew = await anna.wait_for(lambda event: event["type"] == "message" and "upon" in event["message"]["text"])
        await living.settle()
        assert anew["message"]["message_id"] != first["message_id"]
        assert [message["text"] for message in await anna.history()].count("Once upon") == 1


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Forbidden: bot was blocked by the user"), (400, "Bad Request: ?")]
)
async def test_menu_that_cannot_be_edited_is_no_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, words: str
) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna = await living.user()
        await anna.say("/clear")
        await anna.wait_reply()
        await living.fault(method="editMessageText", kind="error", status=status, description=words)
        await anna.press(f"clear:yes:{ANNA}")
        await living.wait_for_calls("editMessageText")
        await living.settle()
        sent = len(await living.calls("sendMessage"))
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert sent == (1 if status == 403 else 2)


async def _refuse(living: LivingBot, words: str, method: str = "sendMessage") -> None:
    description = f"Bad Request: {words}"
    await living.fault(method=method, kind="error", status=400, description=description, count=100)
