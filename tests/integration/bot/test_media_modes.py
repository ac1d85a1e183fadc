"""Modes: what they take, what they offer instead, documents of a transcript, in a private chat and in a group."""

import re
import sqlite3
from pathlib import Path

import orjson
import pytest

from beseda.core.errors import UnreadableTextError
from beseda.engine.middleware import RATES
from beseda.locales.errors import error_text
from beseda.modes.transcript import FORMATS
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.integration.bot.test_media import HELLO, MAIN, PHOTO, env, keys
from tests.parts.living_bot import ANNA, GROUP, account, living_bot, run_bot
from tests.parts.speech_server import SpeechServer
from tests.parts.waiting import eventually

TALK = "Анна: Решили купить чайник до пятницы. Борис: Хорошо, я куплю чайник.\n" * 5
NOTES = orjson.dumps(
    {"title": "Чайник", "overview": "Говорили о чайнике.", "decisions": [], "tasks": [], "topics": []}
).decode()


async def test_file_for_another_mode_is_offered_there_and_processed_immediately(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("🎤 Аудио")
        await anna.wait_text("Режим")
        await anna.send_file(PHOTO, "photo", "a.jpg")
        offer = await anna.wait_reply()
        assert "В режиме «🎤 Аудио» я такое не принимаю" in offer["text"]
        await anna.press("✨ Улучшить фото")
        await anna.wait_text("✨ Готово", timeout=60)
        await living.settle()


async def test_file_outside_of_any_mode_goes_to_the_only_one_that_takes_it(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.send_file(TALK.encode(), "document", "talk.txt")
        assert "Текст у меня" in (await anna.wait_reply())["text"]
        assert (await keys(living))[:5] == [label.say("ru") for label in FORMATS.values()]


async def test_button_of_an_older_offer_only_switches(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await living.inject(
            {
                "callback_query": {
                    "id": "7",
                    "from": {"id": ANNA, "is_bot": False, "first_name": "A"},
                    "chat_instance": "1",
                    "data": "mode:photo:1",
                    "message": {"message_id": 1, "date": 0, "chat": {"id": ANNA, "type": "private", "first_name": "A"}},
                }
            }
        )
        await anna.wait_text("✨")


async def test_message_that_no_mode_takes_is_refused(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.send_file(b"PK\3\4", "document", "archive.zip")
        assert "открыть не умею" in (await anna.wait_reply())["text"]


async def test_words_are_answered_by_the_model_in_any_mode(tmp_path: Path) -> None:
    model = ScriptedModel(["Здравствуйте", "И снова"])
    async with living_bot(tmp_path, model, "media") as living:
        anna = await living.user()
        await anna.say("Привет")
        await anna.wait_text("Здравствуйте")
        await anna.say("📄 Текстовый транскрипт")
        await anna.wait_text("Режим")
        await anna.say("А теперь?")
        await anna.wait_text("И снова")


async def test_cancel_leads_to_the_main_menu(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        await anna.say("/cancel")
        await anna.wait_text("отменил")
        assert await keys(living) == MAIN
        await anna.say("/cancel")
        await anna.wait_text("Отменять нечего")


async def test_help_names_every_mode(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("❓ Помощь")
        text = (await anna.wait_reply())["text"]
    assert all(name in text for name in ("🎤 Аудио", "📄 Текстовый транскрипт", "✨ Улучшить фото", "/forget"))


async def test_mode_and_menu_outlive_a_restart(tmp_path: Path) -> None:
    async with serve_sandbox(SandboxSettings((account("media"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(), sandbox, "media") as living:
            anna = await living.user()
            await anna.say("✨ Улучшить фото")
            await anna.wait_text("Режим")
            await living.settle()
        async with run_bot(tmp_path, ScriptedModel(), sandbox, "media") as living:
            anna = await living.user()
            await anna.say("/menu")
            assert "Режим: ✨ Улучшить фото" in (await anna.wait_text("Режим"))["text"]
            assert await keys(living) == MAIN


async def test_every_file_of_an_album_is_worked_on(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        for _ in range(2):
            await anna.send_file(PHOTO, "photo", "a.jpg", media_group_id="9")
        for _ in range(2):
            await anna.wait_text("✨ Готово", timeout=60)
        await living.settle()


async def test_album_counts_as_one_message(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media", BESEDA_LIMITS="on") as living:
        anna = await living.user()
        who = f"messages:{living.bot.runner.bot.me.id}:{ANNA}"
        for _ in range(RATES[0].limit - 1):
            await living.app.engine.ephemeral.limiter.hit(who, RATES)
        for _ in range(3):
            await anna.send_file(b"PK", "document", "a.zip", media_group_id="7")
        for _ in range(3):
            assert (await anna.wait_reply())["text"].startswith("Такой файл я открыть не умею")
        assert await living.app.engine.ephemeral.limiter.reserve(who, RATES) > 50


async def test_photo_is_done_again_at_another_scale(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        await anna.send_file(PHOTO, "photo", "a.jpg")
        await anna.wait_text("✨ Готово", timeout=60)
        await living.settle()
        await anna.press("×1")
        again = await anna.wait_text("размер прежний", timeout=60)
        labels = [button["text"] for row in again["reply_markup"]["inline_keyboard"] for button in row]
        assert labels == ["✅ ×1", "×2", "×4", "сам реши"]
        await living.settle()


@pytest.mark.parametrize("label", [label.say("ru") for label in FORMATS.values()])
async def test_document_is_made_of_a_text(tmp_path: Path, label: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback=lambda _: NOTES), "media") as living:
        anna = await living.user()
        await anna.say("📄 Текстовый транскрипт")
        await anna.wait_text("Режим")
        await anna.send_file(TALK.encode("cp1251"), "document", "../talk.txt")
        await anna.wait_text("Текст у меня")
        await anna.press(label)
        await anna.wait_for(lambda event: "document" in event.get("message", {}), timeout=30)
        await living.settle()
        document = (await anna.history())[-1]["document"]
        assert document["file_name"].endswith(".docx" if "Word" in label else ".txt")
        assert re.fullmatch(r"[А-Я][А-Яа-я ]+ Чайник, \d\d\.\d\d\.\d{4} \([0-9a-f]{5}\)\.\w+", document["file_name"])
        assert (await keys(living))[-2:] == ["ℹ️ О форматах", "⬅️ Назад"]


async def test_format_without_a_text_asks_for_one(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("Сводка на 1 страницу")
        await anna.wait_text("Сначала нужен текст")
        await anna.say("ℹ️ О форматах")
        await anna.wait_text("Протокол заседания")


async def test_binary_called_text_is_refused(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("📄 Текстовый транскрипт")
        await anna.wait_text("Режим")
        await anna.send_file(bytes(range(256)), "document", "talk.txt")
        assert (await anna.wait_reply())["text"] == error_text(UnreadableTextError).say("ru")


async def test_document_of_a_recording_cites_its_times(tmp_path: Path) -> None:
    async with (
        SpeechServer(text="Решили купить чайник.") as speech,
        living_bot(tmp_path, ScriptedModel(fallback=lambda _: NOTES), "media", **env(speech)) as living,
    ):
        anna = await living.user()
        await anna.say("🎤 Аудио")
        await anna.wait_text("Режим")
        await anna.send_voice(HELLO)
        await anna.wait_text("Решили", timeout=30)
        await living.settle()
        await anna.press("Полный официальный транскрипт")
        await anna.wait_text("Готово", timeout=30)
        await living.settle()


async def test_menu_of_a_group_is_inline(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("/menu@media_bot")
        shown = await anna.wait_reply()
        labels = [button["text"] for row in shown["reply_markup"]["inline_keyboard"] for button in row]
        assert labels == MAIN
        await anna.press("🖼 Работа с фото")
        await anna.wait_text("Работа с фото")
        await anna.press("✨ Улучшить фото")
        await anna.wait_text("Режим")


async def test_ordinary_messages_of_other_bots_ask_for_no_state(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["И вам"])) as living:
        with sqlite3.connect(tmp_path / "data" / "beseda.db") as connection:
            connection.execute("DROP TABLE states")
        anna = await living.user()
        await anna.say("Привет")
        await anna.wait_text("И вам")


@pytest.mark.parametrize("name", ["notes.md", "talk.srt", "table.csv", "log.log", "data.json"])
async def test_text_of_any_kind_is_taken(tmp_path: Path, name: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("📄 Текстовый транскрипт")
        await anna.wait_text("Режим")
        await anna.send_file(TALK.encode(), "document", name)
        await anna.wait_text("Текст у меня")


async def test_a_file_that_no_mode_opens_names_the_accepted_kinds(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.send_file(b"%PDF-1.4", "document", "a.pdf")
        told = (await anna.wait_reply())["text"]
    assert told.startswith("Такой файл я открыть не умею")
    assert "📄 Текстовый транскрипт" in told


async def test_a_late_document_brings_no_menu_back_that_was_left(tmp_path: Path) -> None:
    slow = ScriptedModel(fallback=lambda _: ScriptedAnswer(pieces=(NOTES,), delay=4.0))
    async with living_bot(tmp_path, slow, "media") as living:
        anna = await living.user()
        await anna.say("📄 Текстовый транскрипт")
        await anna.wait_text("Режим")
        await anna.send_file(TALK.encode(), "document", "talk.txt")
        await anna.wait_text("Текст у меня")
        await anna.say("Сводка на 1 страницу")
        await eventually(lambda: _is_true(slow.requests))
        await anna.say("⬅️ Назад")

        async def has_left() -> bool:
            return "ℹ️ О форматах" not in await keys(living)

        await eventually(has_left)
        left = await keys(living)
        await anna.wait_for(lambda event: "document" in event.get("message", {}), timeout=30)
        await living.settle()
        assert await keys(living) == left


async def _is_true(value: object) -> bool:
    return bool(value)
