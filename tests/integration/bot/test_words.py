"""What people really send: replies, forwards, pictures with words, messages of unnamed people."""

from pathlib import Path
from typing import Any

import pytest

from beseda.core.clock import SystemClock
from beseda.llm.demo import DemoModel
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, BORIS, GROUP, LivingBot, account, living_bot, run_bot
from tests.parts.media_samples import make_png
from tests.parts.model_events import said_in
from tests.parts.sales import find, form, lead_of, selling_model
from tests.parts.waiting import eventually

PICTURE = make_png()
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
NOT_LOOKED_AT = "Картинку я не смотрел, ответил на слова под ней."


def _private(**fields: Any) -> dict[str, Any]:
    sender = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
    return {"message": {"message_id": 900, "date": 0, "chat": chat, "from": sender, **fields}}


def _in_group(text: str, **fields: Any) -> dict[str, Any]:
    sender = {"id": BORIS, "is_bot": False, "first_name": "Борис", "language_code": "ru"}
    chat = {"id": GROUP, "type": "supergroup", "title": "Команда"}
    message = {"message_id": 900, "date": 0, "chat": chat, "from": sender, "text": text}
    return {"message": {**message, **fields}}


async def _answered(living: LivingBot, model: ScriptedModel, number: int = 1) -> list[str]:
    async def is_asked() -> bool:
        return len(model.requests) >= number

    await eventually(is_asked)
    await living.settle()
    return said_in(model.requests[number - 1])


async def test_rich_message_is_answered_also_if_forwarded_or_in_a_group(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    rich = {
        "blocks": [{"type": "paragraph", "text": ["@assistant_bot купить ", {"type": "bold", "text": "молоко"}, "?"]}]
    }
    async with living_bot(tmp_path, model) as living:
        await living.inject(_private(rich_message=rich))
        assert (await _answered(living, model)) == ["@assistant_bot купить молоко?"]
        origin = {"type": "hidden_user", "sender_user_name": "Борис"}
        await living.inject(_private(rich_message=rich, forward_origin=origin))
        assert (await _answered(living, model, 2))[-1] == "> Борис: @assistant_bot купить молоко?"
        group = _in_group("")
        del group["message"]["text"]
        group["message"]["rich_message"] = rich
        await living.inject(group)
        assert (await _answered(living, model, 3)) == ["Борис: купить молоко?"]


async def test_replied_words_are_read_with_their_author(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        boris = await living.user(BORIS, f"group:{GROUP}")
        anna = await living.user(ANNA, f"group:{GROUP}")
        first = await boris.say("Der Zug fällt heute aus")
        await anna.say("@assistant_bot переведи", reply_to_message_id=first["message_id"])
        await anna.wait_reply()
        await living.settle()
    assert "Der Zug fällt heute aus\nАнна Иванова: переведи" in said_in(model.requests[0])[0]
    assert said_in(model.requests[0])[0].startswith("> Борис")


async def test_own_answer_is_quoted_only_if_the_window_does_not_show_it(tmp_path: Path) -> None:
    model = ScriptedModel(["**Рим**, конечно."], fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Столица Италии?")
        answer = await anna.wait_reply()
        await anna.say("точно?", reply_to_message_id=answer["message_id"])
        await anna.wait_reply()
        await anna.say("/clear")
        await anna.wait_text("Стереть")
        await anna.press("🗑 Стереть")
        await anna.wait_text("чистого листа")
        await anna.say("а подробнее?", reply_to_message_id=answer["message_id"])
        await anna.wait_reply()
        await living.settle()
    assert said_in(model.requests[1])[-1] == "точно?"
    assert said_in(model.requests[2]) == ["> you: Рим, конечно.\nа подробнее?"]


async def test_bare_mention_under_a_voice_message_asks_the_model(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    replied = {"message_id": 3, "date": 0, "from": {"id": 9, "is_bot": False, "first_name": "Глеб"}, "voice": {}}
    async with living_bot(tmp_path, model) as living:
        await living.inject(_in_group("@assistant_bot", reply_to_message=replied))
        assert await _answered(living, model) == ["> Глеб: [voice]\nБорис: …"]


async def test_forwarded_words_are_no_facts_about_the_person(tmp_path: Path) -> None:
    said = "Меня зовут Борис, бюджет 500 тысяч, телефон +7 999 123-45-67"
    found = [
        find("name", "Борис", quote="Меня зовут Борис"),
        find("budget", "500 тысяч", quote="бюджет 500 тысяч"),
        find("phone", "+7 999 123-45-67"),
    ]
    model = selling_model([form(*found), form(*found)])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say(said, forward_from={"first_name": "Борис"})
        assert "Вы назвали свой контакт" not in (await anna.wait_reply())["text"]
        await anna.say("Это мне прислали.")
        assert "Вы назвали свой контакт" not in (await anna.wait_reply())["text"]
        lead = await lead_of(living)
    pages = [request.messages[-1].content for request in model.requests if request.schema is not None]
    assert "quoted in #" in pages[0] and "person: \n" in f"{pages[0]}\n"
    assert (lead.slots, lead.name, lead.phone) == ({}, "Анна Иванова", "")


async def test_quoted_words_are_no_facts_about_the_person(tmp_path: Path) -> None:
    model = selling_model([form(find("budget", "500 тысяч", quote="бюджет 500 тысяч"))])
    replied = {"message_id": 3, "date": 0, "from": {"id": 9, "first_name": "Б"}, "text": "бюджет 500 тысяч"}
    async with living_bot(tmp_path, model, "sales") as living:
        await living.inject(_private(text="что скажете?", reply_to_message=replied))
        anna = await living.user()
        await eventually(lambda: _has_reply(anna))
        assert (await lead_of(living)).slots == {}


async def _has_reply(user: Any) -> bool:
    return any(message["from"]["is_bot"] for message in await user.history())


async def test_words_under_a_picture_are_answered_and_the_picture_is_owned_up_to(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="good morning")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.send_file(PICTURE, "photo", "a.jpg", caption="Переведи на английский: доброе утро")
        reply = await anna.wait_reply()
        await living.settle()
    assert "Переведи на английский: доброе утро" in said_in(model.requests[0])[-1]
    assert reply["text"] == f"good morning\n\n{NOT_LOOKED_AT}"


@pytest.mark.parametrize("kind", ["document", "video", "photo"])
async def test_file_without_words_is_refused_and_with_words_answered(tmp_path: Path, kind: str) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.send_file(PICTURE, kind, "a.jpg")
        assert "не понимаю" in (await anna.wait_reply())["text"]
        await anna.send_file(PICTURE, kind, "a.jpg", caption="Что это?")
        assert (await anna.wait_reply())["text"].startswith("ok\n\n")
    assert len(model.requests) == 1


async def test_album_is_one_question_with_all_its_captions(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        for caption in ("", "это дача", "а это кот"):
            await anna.send_file(PICTURE, "photo", "a.jpg", caption=caption, media_group_id="7")
        await anna.wait_reply()
        await living.settle()
    assert len(model.requests) == 1
    assert [line for line in said_in(model.requests[0])[-1].split("\n") if not line.startswith(">")] == [
        "это дача",
        "а это кот",
    ]


async def test_file_for_a_bot_of_files_is_still_worked_on_by_it(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "media") as living:
        anna = await living.user()
        await anna.send_file(PICTURE, "photo", "a.jpg", caption="улучши")
        assert (await anna.wait_reply())["reply_markup"]["inline_keyboard"]
        await anna.send_file(b"%PDF-1.4", "document", "a.pdf", caption="Что в нём?")
        assert "Файл я не открывал" in (await anna.wait_reply())["text"]


async def test_anonymous_administrators_of_two_groups_are_two_and_may_press(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        boris = await living.user(BORIS, f"group:{GROUP}")
        chat = {"id": GROUP, "type": "supergroup", "title": "Команда"}
        entity = {"type": "bot_command", "offset": 0, "length": 20}
        clear = _in_group("/clear@assistant_bot", sender_chat=chat, entities=[entity], **{"from": ANONYMOUS})
        await living.inject(clear)
        await boris.wait_text("Стереть")
        await boris.press(f"clear:yes:{GROUP}")
        await boris.wait_text("чистого листа")
        turns = await living.calls("sendMessage")
    assert len(turns) == 1


async def test_anonymous_stranger_is_no_guest(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    chat = {"id": GROUP, "type": "supergroup", "title": "Команда"}
    async with living_bot(tmp_path, model, ADMIN_IDS=str(ANNA)) as living:
        await living.inject(_in_group("@assistant_bot hi", sender_chat=chat, **{"from": ANONYMOUS}))
        await living.settle()
    assert model.requests == []


async def test_topic_made_by_the_bot_is_not_a_reply_to_it(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model) as living:
        bot = {"id": living.bot.runner.bot.me.id, "is_bot": True, "first_name": "A"}
        replied = {"message_id": 3, "date": 0, "from": bot, "forum_topic_created": {"name": "Дежурство"}}
        await living.inject(_in_group("кто завтра дежурит?", reply_to_message=replied, message_thread_id=3))
        await living.settle()
    assert model.requests == []


async def test_answers_of_the_demo_are_not_shown_to_a_model_that_comes_later(tmp_path: Path) -> None:
    """A model that reads "I am the demo mode" five times goes on in that voice."""
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, DemoModel(SystemClock(), seconds=0.0), sandbox) as living:
            anna = await living.user()
            for text in ("Привет!", "Как дела сегодня?"):
                await anna.say(text)
                await anna.wait_text("демо")
            await living.settle()
        model = ScriptedModel(fallback="ok")
        async with run_bot(tmp_path, model, sandbox) as living:
            anna = await living.user()
            for text in ("Привет, кто ты?", "А ещё?"):
                await anna.say(text)
                await anna.wait_text("ok")
            await living.settle()
    assert said_in(model.requests[1]) == ["Привет!", "Как дела сегодня?", "Привет, кто ты?", "ok", "А ещё?"]
