"""A voice message is heard by real ffmpeg and a recogniser on this machine, shown in italics and answered."""

from pathlib import Path

import pytest

from beseda.audio.base import NoSoundError
from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import (
    SilentAudioError,
    SpeechNotConfiguredError,
    UnreadableAudioError,
    UnsupportedInputError,
)
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, LivingBot, living_bot
from tests.parts.recordings import make_silence, make_sound
from tests.parts.speech_server import Fault, SpeechServer

SAMPLES = Path(__file__).parents[2] / "samples" / "voice"
HELLO = (SAMPLES / "hello.ogg").read_bytes()


async def test_voice_is_shown_in_italics_and_answered_as_a_message(tmp_path: Path) -> None:
    model = ScriptedModel(["**Hello** to you"])
    async with (
        SpeechServer(text="Hello <world> *now*") as speech,
        living_bot(tmp_path, model, **_env(speech)) as living,
    ):
        anna = await living.user()
        await anna.send_voice(HELLO)
        reply = await anna.wait_reply()
        await living.settle()
        assert not [path for path in (tmp_path / "data" / "tmp").rglob("*") if path.is_file()]
    assert reply["text"] == "🎤 Hello <world> *now*\n\nHello to you"
    assert [(entity["type"], entity["offset"]) for entity in reply["entities"]] == [("italic", 3), ("bold", 24)]
    assert model.requests[0].messages[-1].content == "Hello <world> *now*"
    assert speech.heard[0].audio[:4] == b"OggS"


async def test_video_note_is_heard_too(tmp_path: Path) -> None:
    model = ScriptedModel(["seen"])
    async with SpeechServer(text="hello") as speech, living_bot(tmp_path, model, **_env(speech)) as living:
        anna = await living.user()
        await anna.send_file((SAMPLES / "note.mp4").read_bytes(), "video_note", "note.mp4")
        await anna.wait_text("seen")


@pytest.mark.parametrize("name", ["Запись 12.m4a", "a.caf", "a.oga", "a.wma", "a.flac", "a.mp3"])
@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
async def test_odd_recordings_sent_as_files_are_heard(tmp_path: Path, name: str, named: bool) -> None:
    sound = (await make_sound(tmp_path / name, seconds=2)).read_bytes()
    async with (
        SpeechServer(text="hello") as speech,
        living_bot(tmp_path, ScriptedModel(["hi"]), **_env(speech)) as living,
    ):
        anna = await living.user()
        await anna.send_file(sound, "document", name if named else "recording")
        await anna.wait_text("🎤 hello")


async def test_a_file_that_is_no_recording_is_refused_as_before(tmp_path: Path) -> None:
    async with SpeechServer() as speech, living_bot(tmp_path, ScriptedModel(), **_env(speech)) as living:
        anna = await living.user()
        await anna.send_file(b"\x00\x01\x02\x03 of no known kind", "document", "data")
        assert (await anna.wait_reply())["text"] == error_text(UnsupportedInputError).say("ru")
    assert speech.heard == []


async def test_silence_is_answered_without_a_recogniser(tmp_path: Path) -> None:
    silence = (await make_silence(tmp_path / "silence.ogg", seconds=20)).read_bytes()
    async with (
        SpeechServer(text="Продолжение следует...") as speech,
        living_bot(tmp_path, ScriptedModel(), **_env(speech)) as living,
    ):
        anna = await living.user()
        await anna.send_voice(silence)
        assert (await anna.wait_reply())["text"] == error_text(SilentAudioError).say("ru")
    assert speech.heard == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("corrupt.ogg", error_text(UnreadableAudioError).say("ru")), ("mute.mp4", error_text(NoSoundError).say("ru"))],
)
async def test_recording_without_sound_is_reported_as_unreadable(tmp_path: Path, name: str, text: str) -> None:
    async with SpeechServer() as speech, living_bot(tmp_path, ScriptedModel(), **_env(speech)) as living:
        anna = await living.user()
        await anna.send_file((SAMPLES / name).read_bytes(), "voice", "voice.ogg")
        assert (await anna.wait_reply())["text"] == text
        assert "reply_markup" not in (await anna.history())[-1]


async def test_recording_without_words_is_reported_as_silent(tmp_path: Path) -> None:
    async with SpeechServer(text="  ") as speech, living_bot(tmp_path, ScriptedModel(), **_env(speech)) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        assert (await anna.wait_reply())["text"] == error_text(SilentAudioError).say("ru")


async def test_recogniser_that_failed_is_asked_again_by_button(tmp_path: Path) -> None:
    model = ScriptedModel(["heard at last", "You said hello"])
    async with SpeechServer(text="hello") as speech, living_bot(tmp_path, model, **_env(speech)) as living:
        speech.faults.extend([Fault.BROKEN] * 6)
        anna = await living.user()
        await anna.send_voice(HELLO)
        await anna.wait_reply()
        speech.faults.clear()
        await anna.press("🔄 Ещё раз")
        reply = await anna.wait_text("heard at last")
        await anna.say("What did I say?")
        await anna.wait_text("You said hello")
        await living.settle()
        anna_said = await _recent(living)
    assert anna_said == ["hello", "heard at last", "What did I say?", "You said hello"]
    assert reply["text"].startswith("🎤 hello")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.WRONG_METHOD, "Распознавание речи настроено неверно"),
        (Fault.UNAUTHORIZED, "Распознавание речи настроено неверно"),
        (Fault.BROKEN, "Распознавание речи сейчас не отвечает"),
    ],
)
async def test_failure_of_the_recogniser_is_not_blamed_on_the_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault, words: str
) -> None:
    async with SpeechServer() as speech, living_bot(tmp_path, ScriptedModel(), **_env(speech)) as living:
        speech.faults.extend([fault] * 6)
        anna = await living.user()
        await anna.send_voice(HELLO)
        text = (await anna.wait_reply())["text"]
    assert words in text
    assert "Модель" not in text
    assert any("a recording was not heard" in record.getMessage() for record in caplog.records)


async def test_failed_answer_to_a_voice_message_is_tried_again_without_hearing_it_twice(tmp_path: Path) -> None:
    model = ScriptedModel(["", "second try"])
    async with SpeechServer(text="hello") as speech, living_bot(tmp_path, model, **_env(speech)) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        assert (await anna.wait_reply())["text"].startswith("🎤 hello")
        await anna.press("🔄 Ещё раз")
        assert (await anna.wait_text("second try"))["text"].startswith("🎤 hello")
    assert len(speech.heard) == 1


async def test_bot_without_a_recognizer_reports_it(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna = await living.user()
        await anna.send_voice(HELLO)
        assert (await anna.wait_reply())["text"] == error_text(SpeechNotConfiguredError).say("ru")


async def _recent(living: LivingBot) -> list[str]:
    conversations = living.app.engine.conversations
    key = ChatKey(living.bot.name, ANNA)
    conversation = await conversations.open(key, ChatKind.PRIVATE, "", Person(ANNA, "Анна"))
    return [message.content for message in await conversations.recent(conversation, 10)]


def _env(speech: SpeechServer) -> dict[str, str]:
    return {"BESEDA_SPEECH": "asr", "ASR_BASE_URL": speech.base_url}
