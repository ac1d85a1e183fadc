"""A person's files: listed, sent again, deleted; all of one's data handed over, and erased."""

import io
import zipfile
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from beseda.engine.files.model import FileKind, FileOwner, NewFile
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, BORIS, GROUP, TOKEN, LivingBot, living_bot

OWNER = FileOwner("media", ANNA)


async def keep(living: LivingBot, number: int, owner: FileOwner = OWNER) -> None:
    """Keep so many files for a person who has said hello."""
    user = await living.user(owner.user_id)
    await user.say("/start")
    await user.wait_reply()
    for place in range(number):
        new = NewFile(owner, owner.user_id, FileKind.TRANSCRIPT, f"Текст *{place}*", ".txt")
        await living.app.engine.files.save(new, b"x" * 2048)


async def download(living: LivingBot, document: dict[str, Any]) -> bytes:
    """Fetch what the bot has sent."""
    api = living.bot.runner.bot.api
    path = (await api.call("getFile", file_id=document["file_id"]))["file_path"]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{living.sandbox.base_url}/file/bot{TOKEN}/{path}") as got,
    ):
        return await got.read()


async def test_history_is_shown_in_pages(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await keep(living, 7)
        anna = await living.user()
        await anna.say("🗂 История")
        first = await anna.wait_text("Ваши файлы")
        assert "Ваши файлы: 7, всего 14 КБ" in first["text"]
        assert "1. 📄 Текст *6* · 2 КБ" in first["text"]
        assert "UTC" not in first["text"]
        await anna.press("▶️")
        await anna.wait_text("6. 📄 Текст *1*")


async def test_file_is_sent_again_and_deleted(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await keep(living, 2)
        anna = await living.user()
        await anna.say("/history")
        await anna.wait_text("Ваши файлы")
        await anna.press("1")
        await anna.wait_text("Что с ним сделать?")
        await anna.press("📤 Прислать")
        sent = await anna.wait_text("Текст *1*")
        assert await download(living, sent["document"]) == b"x" * 2048
        await anna.press("🗑 Удалить")
        await anna.wait_text("Ваши файлы: 1")


async def test_all_files_are_deleted_after_a_question(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await keep(living, 3)
        await keep(living, 1, FileOwner("media", BORIS))
        anna = await living.user()
        await anna.say("/history")
        await anna.wait_text("Ваши файлы")
        await anna.press("🗑 Удалить все")
        await anna.wait_text("Удалить все файлы (3, 6 КБ)?")
        await anna.press("🗑 Удалить")
        await anna.wait_text("Удалил файлов: 3")
        assert len(list((tmp_path / "data" / "files").glob("*/*"))) == 1
        await anna.say("/history")
        await anna.wait_text("Пока здесь пусто")


async def test_list_of_another_person_stays_closed(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await keep(living, 1)
        anna = await living.user()
        await anna.say("/history")
        shown = await anna.wait_text("Ваши файлы")
        data = shown["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        await living.inject(
            {
                "callback_query": {
                    "id": "7",
                    "from": {"id": BORIS, "is_bot": False, "first_name": "B"},
                    "chat_instance": "1",
                    "data": data,
                    "message": {"message_id": shown["message_id"], "date": 0, "chat": shown["chat"]},
                }
            }
        )
        await living.wait_for_calls("answerCallbackQuery")
        assert (await living.calls("answerCallbackQuery"))[0]["params"]["show_alert"] is True


async def test_mydata_hands_over_everything(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["И вам"]), "media") as living:
        await keep(living, 2)
        anna = await living.user()
        await anna.say("Доброе утро")
        await anna.wait_text("И вам")
        await anna.say("/mydata")
        sent = await anna.wait_text("Часть 1")
        await anna.wait_text("Это всё, что я о вас храню")
        with zipfile.ZipFile(io.BytesIO(await download(living, sent["document"]))) as volume:
            names = volume.namelist()
            assert "Доброе утро" in "".join(volume.read(name).decode() for name in names if "conversation" in name)
        assert sum(name.endswith(".txt") for name in names) >= 2
        assert not [path for path in (tmp_path / "data" / "tmp").rglob("*") if path.is_file()]


@pytest.mark.parametrize("command", ["/mydata", "/history"])
async def test_personal_data_is_not_shown_in_a_group(tmp_path: Path, command: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await keep(living, 1)
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say(command)
        reply = await anna.wait_reply()
        await living.settle()
        assert reply["text"].startswith("Ваши данные я показываю только вам")
        assert not [message for message in await anna.history() if "document" in message]


async def test_forget_erases_after_a_question_and_lists_it(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["И вам"]), "media") as living:
        await keep(living, 2)
        anna = await living.user()
        await anna.say("Доброе утро")
        await anna.wait_text("И вам")
        await anna.say("/forget")
        await anna.wait_text("Стереть всё")
        await anna.press("Оставить")
        await anna.wait_text("всё осталось")
        await anna.say("/forget")
        await anna.wait_text("Стереть всё")
        await anna.press("🗑 Стереть всё")
        told = await anna.wait_text("Стёр всё")
        assert "сообщений 2, файлов 2 (4 КБ)" in told["text"]
        assert not list((tmp_path / "data" / "files").glob("*/*"))
        await living.settle()
