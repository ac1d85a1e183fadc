"""A person talks to the assistant over the sandbox."""

from pathlib import Path

import pytest

from beseda.core.clock import SystemClock
from beseda.core.errors import UnavailableError
from beseda.core.message import Role
from beseda.llm.demo import DemoModel
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import ANNA, CHRIS, FORUM, GROUP, living_bot
from tests.parts.model_events import said_in


async def test_answer_is_formatted_and_stored(tmp_path: Path) -> None:
    model = ScriptedModel(["**Hello**, `Anna`"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        reply = await anna.wait_reply()
        assert reply["text"] == "Hello, Anna"
        assert [entity["type"] for entity in reply["entities"]] == ["bold", "code"]
        await living.settle()
    assert [message.role for message in model.requests[0].messages] == [Role.SYSTEM, Role.USER, Role.USER]


async def test_model_reads_the_system_message_and_of_the_last_ten_those_from_a_question_on(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="answer")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        for number in range(8):
            await anna.say(f"question {number}")
            await anna.wait_reply()
    last = model.requests[-1].messages
    assert last[0].role is Role.SYSTEM
    assert len(said_in(model.requests[-1])) == 9
    assert said_in(model.requests[-1])[0] == "question 3"
    assert last[-1].content == "question 7"


async def test_history_survives_a_restart(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["one"])) as living:
        anna = await living.user()
        await anna.say("first")
        await anna.wait_reply()
        await living.settle()
    model = ScriptedModel(["two"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("second")
        await anna.wait_reply()
    assert said_in(model.requests[0]) == ["first", "one", "second"]


async def test_messages_of_one_chat_are_answered_in_order_and_chats_side_by_side(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: ScriptedAnswer(pieces=(request.messages[-1].content,), delay=0.1))
    async with living_bot(tmp_path, model) as living:
        anna, chris = await living.user(ANNA), await living.user(CHRIS)
        for number in range(3):
            await anna.say(f"a{number}")
            await chris.say(f"c{number}")
        assert [(await anna.wait_reply())["text"] for _ in range(3)] == ["a0", "a1", "a2"]
        assert [(await chris.wait_reply())["text"] for _ in range(3)] == ["c0", "c1", "c2"]
    assert model.most_running == 2


async def test_failure_is_reported_and_tried_again_by_button(tmp_path: Path) -> None:
    model = ScriptedModel([UnavailableError("secret detail"), "better now"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        notice = await anna.wait_reply()
        assert notice["text"] == error_text(UnavailableError).say("ru")
        await anna.press("🔄 Ещё раз")
        assert (await anna.wait_text("better now"))["text"] == "better now"
        await living.settle()
    assert said_in(model.requests[1]) == ["Hi"]


async def test_failed_answer_is_no_part_of_the_conversation(tmp_path: Path) -> None:
    model = ScriptedModel([UnavailableError("down"), "second"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("one")
        await anna.wait_reply()
        await anna.say("two")
        await anna.wait_text("second")
    assert said_in(model.requests[1]) == ["two"]


async def test_empty_answer_is_a_failure(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["  \n "])) as living:
        chris = await living.user(CHRIS)
        await chris.say("Hi")
        assert "said nothing" in (await chris.wait_reply())["text"]


async def test_stop_keeps_the_partial_answer(tmp_path: Path) -> None:
    endless = ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05)
    model = ScriptedModel([endless, "next"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Go on for ever")
        draft = await anna.wait_draft()
        await anna.stop(draft["draft_id"])
        reply = await anna.wait_reply()
        assert reply["text"].startswith("word word")
        assert reply["text"].endswith("Остановлено.")
        await anna.say("and now?")
        await anna.wait_text("next")
    assert model.requests[1].messages[-2].content.startswith("word word")
    assert "Остановлено" not in model.requests[1].messages[-2].content


async def test_stopped_answer_goes_on_at_a_press_of_the_person_who_asked(tmp_path: Path) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05), "and the rest"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Go on for ever")
        await anna.stop((await anna.wait_draft())["draft_id"])
        await anna.wait_reply()
        await living.settle()
        await living.inject(_press_by(CHRIS, f"more:{ANNA}"))
        await anna.press("▶️ Продолжить")
        await anna.wait_text("and the rest")
        await living.settle()
    assert len(model.requests) == 2
    assert said_in(model.requests[1])[-1] == "Продолжи с того места, где остановился."


async def test_stop_before_the_first_word_offers_another_try(tmp_path: Path) -> None:
    model = ScriptedModel([ScriptedAnswer(delay=60.0), "second try"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_draft()
        await anna.say("/stop")
        await anna.wait_text("молчу")
        await anna.press("🔄 Ещё раз")
        await anna.wait_text("second try")


async def test_slow_answer_shows_typing_then_drafts(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("Hello ", "**bo", "ld** ", "end"), delay=0.6, pause=0.6)
    async with living_bot(tmp_path, ScriptedModel([slow])) as living:
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_for(lambda event: event["type"] == "typing")
        drafts = [await anna.wait_draft(), await anna.wait_draft()]
        assert all(draft["can_stop"] for draft in drafts)
        assert (await anna.wait_reply())["text"] == "Hello bold end"


async def test_quick_answer_costs_one_call(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["quick"])) as living:
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_reply()
        assert await living.calls("sendMessageDraft") == []
        assert await living.calls("sendChatAction") == []


async def test_long_answer_comes_whole_in_several_messages(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(40))
    async with living_bot(tmp_path, ScriptedModel([text])) as living:
        anna = await living.user()
        await anna.say("Tell me all")
        parts = [await anna.wait_reply() for _ in range(4)]
        await living.settle()
    assert all(len(part["text"].encode("utf-16-le")) // 2 <= 4096 for part in parts)
    assert "".join("".join(part["text"] for part in parts).split()) == "".join(text.split())


async def test_group_answers_only_when_addressed_and_knows_the_speaker(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="I am here")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("nobody asked the bot")
        await anna.say("@assistant_bot are you there?")
        reply = await anna.wait_reply()
        assert reply["reply_to_message"]["text"] == "@assistant_bot are you there?"
        await anna.say("thank you", reply_to_message_id=reply["message_id"])
        await anna.wait_reply()
        await living.settle()
    assert [request.messages[-1].content for request in model.requests] == [
        "Анна Иванова: are you there?",
        "Анна Иванова: thank you",
    ]


async def test_topics_are_kept_apart(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="noted")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user(ANNA, f"group:{FORUM}")
        for topic, text in ((2, "apples"), (3, "pears"), (2, "and?")):
            await anna.say(f"@assistant_bot {text}", message_thread_id=topic)
            assert (await anna.wait_reply())["message_thread_id"] == topic
        await living.settle()
    said = said_in(model.requests[-1])
    assert said == ["Анна Иванова: apples", "noted", "Анна Иванова: and?"]


async def test_group_answer_grows_in_one_message(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("Once ", "upon ", "a ", "time"), delay=0.2, pause=0.5)
    async with living_bot(tmp_path, ScriptedModel([slow])) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot a story")
        first = await anna.wait_reply()
        last = await anna.wait_text("Once upon a time")
        await living.settle()
        assert first["message_id"] == last["message_id"]
        assert "reply_markup" not in last
        assert len(await living.calls("sendMessage")) == 1


async def test_stop_button_in_a_group(tmp_path: Path) -> None:
    endless = ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05)
    async with living_bot(tmp_path, ScriptedModel([endless])) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot go on")
        await anna.wait_reply()
        await anna.press("⏹ Стоп")
        ended = await anna.wait_text("Остановлено")
        buttons = [button["text"] for row in ended["reply_markup"]["inline_keyboard"] for button in row]
        assert buttons == ["▶️ Продолжить"]
        await living.settle()


@pytest.mark.parametrize(("user", "part"), [(ANNA, "помощник"), (CHRIS, "assistant")])
async def test_start_greets_in_the_language_of_the_user(tmp_path: Path, user: int, part: str) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        person = await living.user(user)
        await person.say("/start")
        assert part in (await person.wait_reply())["text"]


async def test_suggestion_is_asked_by_its_button(tmp_path: Path) -> None:
    model = ScriptedModel(["a lot"])
    async with living_bot(tmp_path, model) as living:
        chris = await living.user(CHRIS)
        await chris.say("/start")
        await chris.wait_reply()
        await chris.press("What can you do?")
        await chris.wait_text("a lot")
    assert model.requests[0].messages[-1].content == "What can you do?"


async def test_help_lists_every_command(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna = await living.user()
        await anna.say("/help")
        text = (await anna.wait_reply())["text"]
    assert all(f"/{name}" in text for name in ("start", "help", "clear", "stats", "stop"))


async def test_clear_asks_then_wipes(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("remember this")
        await anna.wait_reply()
        await anna.say("/clear")
        await anna.wait_text("Стереть")
        await anna.press("🗑 Стереть")
        await anna.wait_text("чистого листа")
        await anna.say("what did I say?")
        await anna.wait_reply()
    assert said_in(model.requests[1]) == ["what did I say?"]


async def test_clear_can_be_refused(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("remember this")
        await anna.wait_reply()
        await anna.say("/clear")
        await anna.wait_text("Стереть")
        await anna.press("Оставить")
        await anna.wait_text("на месте")
        await anna.say("and?")
        await anna.wait_reply()
    assert len(said_in(model.requests[1])) == 3


async def test_stats_count_messages_and_tokens(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["hello"])) as living:
        chris = await living.user(CHRIS)
        await chris.say("Hi")
        await chris.wait_reply()
        await living.settle()
        await chris.say("/stats")
        text = (await chris.wait_reply())["text"]
    assert "messages from you: 1" in text
    assert "the model read: 10" in text


async def test_stats_count_no_tokens_of_the_demo_and_name_their_period(tmp_path: Path) -> None:
    async with living_bot(tmp_path, DemoModel(SystemClock(), seconds=0)) as living:
        anna = await living.user()
        await anna.say("Привет, как дела?")
        await anna.wait_reply()
        await living.settle()
        await anna.say("/stats")
        text = (await anna.wait_reply())["text"]
    assert "сообщений от вас: 1" in text
    assert "за всё время" in text
    assert "токенов" not in text


async def test_strangers_are_refused_at_messages_and_buttons(tmp_path: Path) -> None:
    model = ScriptedModel(["hello, owner"])
    async with living_bot(tmp_path, model, ADMIN_IDS=str(ANNA)) as living:
        anna, chris = await living.user(ANNA), await living.user(CHRIS)
        await chris.say("let me in")
        assert "only talks to people it knows" in (await chris.wait_reply())["text"]
        await anna.say("Hi")
        await anna.wait_text("hello, owner")
        await living.inject(_press_by(CHRIS, "ask:0"))
        await living.settle()
    assert len(model.requests) == 1


def _press_by(user: int, data: str) -> dict[str, object]:
    person = {"id": user, "is_bot": False, "first_name": "Chris", "language_code": "en"}
    chat = {"id": user, "type": "private", "first_name": "Chris"}
    message = {"message_id": 1, "date": 0, "chat": chat, "text": "x"}
    return {"callback_query": {"id": "1", "from": person, "message": message, "chat_instance": "1", "data": data}}


async def test_commands_menu_is_set_in_both_languages(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        calls = await living.calls("setMyCommands")
    assert [call["params"].get("language_code") for call in calls] == [None, "ru"]
