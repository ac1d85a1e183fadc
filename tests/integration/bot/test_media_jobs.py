"""Work that takes its time: shown as it goes, cancelled, tried again, taken up after a restart."""

import shutil
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from beseda.bots.catalog import BUNDLED
from beseda.core.errors import FileTooLargeError, UnreadableAudioError, UnreadablePhotoError
from beseda.engine.files.model import FileOwner
from beseda.engine.jobs.tracker import EDIT_EVERY
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import RunningSandbox, SandboxSettings, serve_sandbox
from tests.integration.bot.test_media import HELLO, SAMPLES, env
from tests.parts.living_bot import ANNA, BORIS, CHRIS, LivingBot, account, living_bot, run_bot
from tests.parts.speech_server import Fault, SpeechServer


@asynccontextmanager
async def _media(folder: Path, speech: SpeechServer, **environ: str) -> AsyncIterator[LivingBot]:
    async with living_bot(folder, ScriptedModel(), "media", **env(speech), **environ) as living:
        anna = await living.user()
        await anna.say("🎤 Аудио")
        await anna.wait_text("Режим")
        yield living


@asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[RunningSandbox]:
    async with serve_sandbox(SandboxSettings((account("media"),), folder / "sandbox")) as sandbox:
        yield sandbox


async def test_running_work_is_cancelled_by_its_button(tmp_path: Path) -> None:
    async with SpeechServer(faults=_hang()) as speech, _media(tmp_path, speech) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        shown = await anna.wait_text("🎧 Слушаю", timeout=30)
        await anna.press("✖️ Отменить")
        ended = await anna.wait_text("Хорошо, остановил.")
        await living.settle()
        assert ended["message_id"] == shown["message_id"]
        assert "reply_markup" not in ended
        assert not [path for path in (tmp_path / "data" / "tmp").rglob("*") if path.is_file()]


async def test_cancel_command_ends_the_work_of_the_chat(tmp_path: Path) -> None:
    async with SpeechServer(faults=_hang()) as speech, _media(tmp_path, speech) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        await anna.wait_text("🎧 Слушаю", timeout=30)
        await anna.say("/cancel")
        await anna.wait_text("остановил")
        await living.settle()


async def test_cancel_command_ends_all_work_and_reports_each_once(tmp_path: Path) -> None:
    async with SpeechServer(faults=_hang()) as speech, _media(tmp_path, speech, BESEDA_JOB_SLOTS="speech=1") as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        await anna.wait_text("🎧 Слушаю", timeout=30)
        await anna.send_voice(HELLO)
        await anna.wait_text("вы следующий", timeout=30)
        await anna.say("/cancel")
        await living.settle()
        texts = [message["text"] for message in await anna.history() if "text" in message]
    assert texts.count("Хорошо, остановил.") == 2
    assert "Хорошо, отменил." not in texts


async def test_other_persons_cannot_cancel_it(tmp_path: Path) -> None:
    async with SpeechServer(faults=_hang()) as speech, _media(tmp_path, speech) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        shown = await anna.wait_text("🎧 Слушаю", timeout=30)
        data = shown["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        boris = await living.user(BORIS)
        await living.inject(_press(data, BORIS))
        await living.wait_for_calls("answerCallbackQuery")
        assert (await living.calls("answerCallbackQuery"))[0]["params"]["show_alert"] is True
        assert boris is not None
        await anna.press("✖️ Отменить")
        await anna.wait_text("остановил")


async def test_waiting_person_sees_the_place_in_the_queue_and_moves_up(tmp_path: Path) -> None:
    async with SpeechServer(faults=_hang()) as speech, _media(tmp_path, speech, BESEDA_JOB_SLOTS="speech=1") as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        await anna.wait_text("🎧 Слушаю", timeout=30)
        boris, chris = await living.user(BORIS), await living.user(CHRIS)
        for user, label, place in ((boris, "🎤 Аудио", "вы следующий"), (chris, "🎤 Audio", "1 ahead of you")):
            await user.say(label)
            await user.wait_reply()
            await user.send_voice(HELLO)
            await user.wait_text(place)
        await anna.press("✖️ Отменить")
        await chris.wait_text("Привет, мир", timeout=30)
        await living.settle()


async def test_failed_work_is_offered_again(tmp_path: Path) -> None:
    async with SpeechServer() as speech, _media(tmp_path, speech) as living:
        speech.ear = lambda _: Fault.UNAUTHORIZED
        anna = await living.user()
        await anna.send_file((SAMPLES / "voice" / "corrupt.ogg").read_bytes(), "voice", "voice.ogg")
        failed = await anna.wait_text(error_text(UnreadableAudioError).say("ru"), timeout=30)
        labels = [button["text"] for row in failed["reply_markup"]["inline_keyboard"] for button in row]
        assert labels == ["Главное меню"]
        await living.settle()


async def test_work_that_failed_for_a_while_is_done_again_by_a_button(tmp_path: Path) -> None:
    async with SpeechServer() as speech, _media(tmp_path, speech) as living:
        await living.fault(kind="error", method="getFile", status=502, count=3)
        anna = await living.user()
        await anna.send_voice(HELLO)
        await anna.wait_text("Telegram сейчас не отвечает", timeout=30)
        await living.settle()
        await anna.press("Повторить")
        await anna.wait_text("Привет, мир", timeout=30)
        await living.settle()


async def test_work_goes_on_after_a_restart_in_the_message_that_showed_it(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox, SpeechServer(faults=_hang()) as speech:
        async with run_bot(tmp_path, ScriptedModel(), sandbox, "media", **env(speech)) as living:
            anna = await living.user()
            await anna.say("🎤 Аудио")
            await anna.wait_text("Режим")
            await anna.send_voice(HELLO)
            shown = await anna.wait_text("🎧 Слушаю", timeout=30)
        async with run_bot(tmp_path, ScriptedModel(), sandbox, "media", **env(speech)) as living:
            anna = await living.user()
            await living.settle()
            said = [message for message in await anna.history() if "Привет, мир" in message.get("text", "")]
            assert [message["message_id"] for message in said] == [shown["message_id"]]
            # The mode has outlived the restart, too.
            await anna.send_voice(HELLO)
            await anna.wait_text("Привет, мир", timeout=30)
            await living.settle()


async def test_outcome_that_could_not_be_sent_is_sent_after_a_restart(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox, SpeechServer() as speech:
        async with run_bot(tmp_path, ScriptedModel(), sandbox, "media", **env(speech)) as living:
            anna = await living.user()
            await anna.say("🎤 Аудио")
            await anna.wait_text("Режим")
            await living.fault(kind="error", method="sendDocument", status=502, count=1000)
            await anna.send_voice(HELLO)
            await living.wait_for_calls("sendDocument")
        async with run_bot(tmp_path, ScriptedModel(), sandbox, "media", **env(speech)) as living:
            await living.clear_faults()
            anna = await living.user()
            await living.settle()
            documents = [message["document"] for message in await anna.history() if "document" in message]
            assert [document["file_name"].rpartition(".")[2] for document in documents] == ["txt", "srt"]
            captions = [message["caption"] for message in await anna.history() if "document" in message]
            assert "Субтитры" not in captions[0] and "Субтитры" in captions[1]
    assert len(speech.heard) == 1


@pytest.mark.parametrize(("name", "kind"), [("truncated.jpg", "document"), ("empty.jpg", "document")])
async def test_broken_photo_is_reported_as_unreadable(tmp_path: Path, name: str, kind: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        await anna.send_file((SAMPLES / "photo" / name).read_bytes() or b"\0", kind, "../../evil.jpg")
        await anna.wait_text(error_text(UnreadablePhotoError).say("ru"), timeout=30)
        await living.settle()


async def test_file_beyond_the_limit_is_refused_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with SpeechServer() as speech, _media(tmp_path, speech) as living:
        anna = await living.user()
        await anna.send_file(b"\0" * (21 * 1024 * 1024), "audio", "long.mp3")
        await anna.wait_text(error_text(FileTooLargeError).say("ru"), timeout=30)
        await living.settle()
    assert "TELEGRAM_API_URL" in caplog.text


CHATTY = """
import asyncio
from beseda.engine.modes import JobKind, Mode
from beseda.engine.incoming import MessageKind
from beseda.locales import Text
from beseda.modes._sending import draw_progress

async def start(context, material):
    await context.bot.jobs.start(context, "words.count", {})

async def work(desk, job, control):
    for number in range(70):
        control.report(number, 70)
        await asyncio.sleep(0.1)
    return {}

async def view(desk, job):
    return await desk.messenger.compose("counted")

mode = Mode(Text(ru="Счёт", en="Count"), Text(ru="а", en="a"), Text(ru="б", en="b"), start,
            takes=frozenset({MessageKind.TEXT}),
            jobs={"words.count": JobKind(work, view, lambda job, language: "at " + draw_progress(job))})
"""


async def test_progress_is_edited_at_most_once_in_three_seconds(tmp_path: Path) -> None:
    bot = tmp_path / "bots" / "chatty"
    shutil.copytree(BUNDLED / "media", bot)
    (bot / "modes").mkdir()
    (bot / "modes" / "count.py").write_text(CHATTY, "utf-8")
    text = (bot / "bot.yaml").read_text("utf-8").replace("modes: [audio,", "modes: [count, audio,")
    (bot / "bot.yaml").write_text(text, "utf-8")
    async with living_bot(tmp_path, ScriptedModel(), "chatty") as living:
        anna = await living.user()
        await living.inject(_press("mode:count", ANNA))
        await anna.wait_text("Режим: Счёт")
        await anna.say("go")
        await anna.wait_text("counted", timeout=20)
        edits = await living.calls("editMessageText")
        shown = [call["time"] for call in edits if "at " in call["params"]["text"]]
    assert len(shown) == 2
    assert shown[1] - shown[0] > EDIT_EVERY - 0.1


async def test_picture_that_is_no_photo_to_telegram_goes_out_as_files(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        await living.fault(
            kind="error",
            method="sendMediaGroup",
            status=400,
            description="Bad Request: PHOTO_INVALID",
            count=1,
        )
        await anna.send_file((SAMPLES / "photo" / "dull.jpg").read_bytes(), "photo", "a.jpg")
        await anna.wait_text("✨ Готово", timeout=30)
        await living.settle()
        assert sum("document" in message for message in await anna.history()) == 3


async def test_outcome_deleted_before_it_is_sent_leaves_only_words(tmp_path: Path) -> None:
    async with SpeechServer() as speech, _media(tmp_path, speech) as living:
        await living.fault(kind="error", method="editMessageText", status=502, count=1)
        anna = await living.user()
        await anna.send_voice(HELLO)
        await living.wait_for_calls("editMessageText")
        await living.app.engine.files.delete_all(FileOwner("media", ANNA))
        await living.settle()
        assert not any("document" in message for message in await anna.history())


def _hang() -> deque[Fault]:
    return deque([Fault.HANG])


def _press(data: str, person: int) -> dict[str, object]:
    chat = {"id": person, "type": "private", "first_name": "B"}
    return {
        "callback_query": {
            "id": "77",
            "from": {"id": person, "is_bot": False, "first_name": "B"},
            "chat_instance": "1",
            "data": data,
            "message": {"message_id": 1, "date": 0, "chat": chat},
        }
    }


async def test_work_that_begins_immediately_is_not_announced_as_waiting(tmp_path: Path) -> None:
    async with SpeechServer() as speech, _media(tmp_path, speech) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        await anna.wait_text("Готово", timeout=30)
        await living.settle()
        shown = [str(call["params"].get("text", "")) for call in await _texts(living)]
    assert any("Забираю" in text or "Готовлю" in text or "Слушаю" in text for text in shown)
    assert not [text for text in shown if "в очереди" in text]


async def _texts(living: LivingBot) -> list[dict[str, Any]]:
    return [call for method in ("sendMessage", "editMessageText") for call in await living.calls(method)]
