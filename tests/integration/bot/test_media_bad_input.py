"""What people send by mistake, or with intent: a plain sentence, and nothing left behind."""

from pathlib import Path

import pytest

from beseda.audio.base import NoSoundError
from beseda.audio.ffmpeg import find_ffmpeg
from beseda.core.errors import (
    BesedaError,
    PhotoTooLargeError,
    SilentAudioError,
    UnreadableAudioError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from beseda.core.subprocesses import run
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedModel
from tests.integration.bot.test_media import HELLO, SAMPLES, env
from tests.parts.living_bot import LivingBot, living_bot
from tests.parts.speech_server import SpeechServer

VOICES = {
    "text": (b"This is a text and no sound at all. " * 20, UnreadableAudioError),
    "zeros": (b"\0" * 5000, UnreadableAudioError),
    "truncated": (HELLO[: len(HELLO) // 50], UnreadableAudioError),
    "video without sound": ((SAMPLES / "voice" / "mute.mp4").read_bytes(), NoSoundError),
}
PHOTOS = {
    "bomb.png": PhotoTooLargeError,
    "moving.gif": UnsupportedPhotoError,
    "phone.heic": UnsupportedPhotoError,
    "truncated.jpg": UnreadablePhotoError,
    "text.jpg": UnreadablePhotoError,
}


def leftovers(folder: Path) -> list[str]:
    """What is left on disk of a person's file."""
    places = (folder / "data" / "tmp", folder / "data" / "files")
    return [path.name for place in places for path in place.rglob("*") if path.is_file()]


async def enter(living: LivingBot, label: str) -> None:
    """Switch to a mode."""
    anna = await living.user()
    await anna.say(label)
    await anna.wait_text("Режим")


@pytest.mark.parametrize("name", VOICES)
async def test_invalid_recording_is_refused_in_words(tmp_path: Path, name: str) -> None:
    content, error = VOICES[name]
    async with SpeechServer() as speech, living_bot(tmp_path, ScriptedModel(), "media", **env(speech)) as living:
        await enter(living, "🎤 Аудио")
        anna = await living.user()
        await anna.send_file(content, "document", "../../song.mp3")
        await anna.wait_text(error_text(error).say("ru"), timeout=30)
        await living.settle()
        assert leftovers(tmp_path) == []
        assert speech.heard == []


async def test_silence_is_reported_as_silent(tmp_path: Path) -> None:
    silence = ["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "3", "-f", "ogg", "pipe:1"]
    sound = (await run([find_ffmpeg(), "-v", "error", *silence], timeout=30)).stdout
    async with (
        SpeechServer(text=" ") as speech,
        living_bot(tmp_path, ScriptedModel(), "media", **env(speech)) as living,
    ):
        await enter(living, "🎤 Аудио")
        anna = await living.user()
        await anna.send_voice(sound)
        await anna.wait_text(error_text(SilentAudioError).say("ru"), timeout=30)
        await living.settle()
        assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("name", "error"), PHOTOS.items())
async def test_invalid_photo_is_refused_in_words(tmp_path: Path, name: str, error: type[BesedaError]) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await enter(living, "✨ Улучшить фото")
        anna = await living.user()
        await anna.send_file((SAMPLES / "photo" / name).read_bytes(), "document", name)
        await anna.wait_text(error_text(error).say("ru"), timeout=30)
        await living.settle()
        assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["cmyk.jpg", "turned.jpg", "gray.png", "glass.png", "deep.png"])
async def test_unusual_photo_is_enhanced(tmp_path: Path, name: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media") as living:
        await enter(living, "✨ Улучшить фото")
        anna = await living.user()
        await anna.send_file((SAMPLES / "photo" / name).read_bytes(), "document", name)
        await anna.wait_text("✨ Готово", timeout=30)
        await living.settle()


async def test_main_face_is_offered_if_faces_are_restored(tmp_path: Path) -> None:
    settings = {"BESEDA_PHOTO": "gfpgan_http,basic", "GFPGAN_URL": "http://127.0.0.1:9"}
    async with living_bot(tmp_path, ScriptedModel(), "media", **settings) as living:
        await enter(living, "✨ Улучшить фото")
        anna = await living.user()
        await anna.send_file((SAMPLES / "photo" / "dull.jpg").read_bytes(), "photo", "a.jpg")
        await anna.wait_text("без нейросети", timeout=30)
        await living.settle()
        await anna.press("Только главное лицо")
        again = await anna.wait_text("без нейросети", timeout=30)
        labels = [button["text"] for row in again["reply_markup"]["inline_keyboard"] for button in row]
        assert labels[-1] == "✅ Только главное лицо"
        await living.settle()


async def test_same_file_twice_is_kept_twice(tmp_path: Path) -> None:
    async with SpeechServer() as speech, living_bot(tmp_path, ScriptedModel(), "media", **env(speech)) as living:
        await enter(living, "🎤 Аудио")
        anna = await living.user()
        for _ in range(2):
            await anna.send_voice(HELLO)
        await living.settle()
        assert len(leftovers(tmp_path)) == 4
