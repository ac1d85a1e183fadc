"""The media bot from menu to result: real ffmpeg, real enhancer, a recogniser and a model on this machine."""

import asyncio
import shutil
from pathlib import Path

import pytest

from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.testing.scripted_model import ScriptedModel
from tests.parts import sphinx
from tests.parts.living_bot import LivingBot, living_bot
from tests.parts.recordings import WORDS, speak
from tests.parts.speech_server import SpeechServer

SAMPLES = Path(__file__).parents[2] / "samples"
HELLO = (SAMPLES / "voice" / "hello.ogg").read_bytes()
PHOTO = (SAMPLES / "photo" / "dull.jpg").read_bytes()
MAIN = ["🤖 Бизнес-ассистент", "🖼 Работа с фото", "🗂 История", "❓ Помощь"]
BUSINESS = ["🎤 Аудио", "📄 Текстовый транскрипт", "⬅️ Назад"]


def env(speech: SpeechServer) -> dict[str, str]:
    """Settings for a recogniser of the test."""
    return {"BESEDA_SPEECH": "asr", "ASR_BASE_URL": speech.base_url}


async def keys(living: LivingBot) -> list[str]:
    """The buttons below the field."""
    dialog = await (await living.user()).get_dialog()
    return [button["text"] for row in (dialog["reply_keyboard"] or {}).get("keyboard", ()) for button in row]


async def test_menus_lead_in_and_back(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("/start")
        await anna.wait_text("Здравствуйте")
        assert await keys(living) == MAIN
        await anna.press("🤖 Бизнес-ассистент")
        await anna.wait_text("Бизнес-ассистент")
        assert await keys(living) == BUSINESS
        await anna.press("🎤 Аудио")
        assert "Режим: 🎤 Аудио" in (await anna.wait_reply())["text"]
        await anna.say("Назад")
        assert "Бизнес-ассистент" in (await anna.wait_reply())["text"]
        await anna.press("⬅️ Назад")
        assert "Главное меню" in (await anna.wait_reply())["text"]
        assert await keys(living) == MAIN


async def test_photo_comes_back_beside_the_original_and_as_a_file(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        await anna.send_file(PHOTO, "photo", "dull.jpg")
        done = await anna.wait_text("✨ Готово", timeout=60)
        await living.settle()
        messages = (await anna.history())[-3:]
        assert "без нейросети" in done["text"]
        assert [("photo" in m, "document" in m) for m in messages] == [(True, False), (True, False), (False, True)]
        assert messages[0]["media_group_id"] == messages[1]["media_group_id"]
        assert "dull" not in messages[2]["document"]["file_name"]


async def test_recording_becomes_text_and_a_document(tmp_path: Path) -> None:
    async with (
        SpeechServer(text="Решили купить чайник.") as speech,
        living_bot(
            tmp_path, ScriptedModel(), "media", ASR_BASE_URL=speech.base_url, BESEDA_SPEECH="asr:whisper"
        ) as living,
    ):
        anna = await living.user()
        await anna.say("🎤 Аудио")
        await anna.wait_text("Режим")
        await anna.send_voice(HELLO)
        await anna.wait_text("Решили купить чайник.", timeout=60)
        await living.settle()
        names = [message["document"]["file_name"] for message in await anna.history() if "document" in message]
        assert names and all("Решили купить чайник" in name for name in names)
        await anna.send_file(HELLO, "document", "Планёрка 2 декабря.ogg")
        await anna.wait_for(lambda event: "Транскрипт Планёрка 2 декабря, " in str(event.get("message")), timeout=60)
        await living.settle()
        assert (await keys(living))[-1] == "⬅️ Назад"


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
async def test_spoken_words_are_read_as_text_and_subtitles(tmp_path: Path) -> None:
    spoken = await speak(tmp_path / "spoken.wav")
    workshop = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1))
    await workshop.transcode_voice(spoken, tmp_path / "voice.ogg")
    async with (
        SpeechServer(ear=lambda heard: sphinx.hear(heard.audio)) as speech,
        living_bot(tmp_path, ScriptedModel(), "media", **env(speech)) as living,
    ):
        anna = await living.user()
        await anna.say("🎤 Аудио")
        await anna.wait_text("Режим")
        await anna.send_voice((tmp_path / "voice.ogg").read_bytes())
        await anna.wait_text(WORDS, timeout=60)
        await living.settle()
        kept = {path.suffix: path.read_text() for path in (tmp_path / "data" / "files").glob("*/*")}
    assert kept[".txt"] == WORDS
    assert kept[".srt"].startswith("1\n00:00:0")
