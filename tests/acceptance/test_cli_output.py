"""Output for programs is UTF-8, whatever the terminal's encoding can show."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from tests.acceptance.program import Program
from tests.parts.model_server import ModelServer, Reply
from tests.parts.speech_server import SpeechServer

HELLO = str(Path(__file__).parents[1] / "samples" / "voice" / "hello.ogg")
LETTERS = "Ёлка 🎄 «да»"


@pytest.fixture
async def servers() -> AsyncIterator[tuple[ModelServer, SpeechServer]]:
    async with ModelServer() as model, SpeechServer() as speech:
        model.default = Reply(text=[LETTERS])
        speech.text = LETTERS
        yield model, speech


@pytest.fixture
def beseda(tmp_path: Path, servers: tuple[ModelServer, SpeechServer]) -> Program:
    model, speech = servers
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": model.base_url, "BESEDA_MODEL": "openai:test/served-model"}
    (tmp_path / "папка" / "proba").mkdir(parents=True)
    (tmp_path / "папка" / "proba" / "bot.yaml").write_text("title: Проба\n")
    (tmp_path / LETTERS).write_bytes(b"no sound")
    return Program(
        tmp_path,
        environ
        | {"ASR_BASE_URL": speech.base_url, "BESEDA_SPEECH": "asr", "STORAGE_DIR": "ёлка", "BESEDA_BOTS_DIR": "папка"},
    )


COMMANDS = {
    "ask": (["ask", "hi", "--json"], LETTERS),
    "compare": (["ask", "hi", "--compare", "openai:a,openai:b", "--json"], LETTERS),
    "transcribe": (["transcribe", HELLO], LETTERS),
    "transcribe-srt": (["transcribe", HELLO, "--srt"], LETTERS),
    "transcribe-json": (["transcribe", HELLO, LETTERS, "--json"], LETTERS),
    "enhance-json": (["enhance", LETTERS, "-o", "out", "--json"], LETTERS),
    "bots-list": (["bots", "list", "--json"], "папка"),
    "doctor": (["doctor", "--json"], "ёлка"),
}


@pytest.mark.parametrize("encoding", ["ascii", "cp1251"])
@pytest.mark.parametrize(("arguments", "letters"), COMMANDS.values(), ids=COMMANDS)
async def test_output_for_programs_loses_no_letter(
    arguments: list[str], letters: str, encoding: str, beseda: Program
) -> None:
    process = await beseda.with_environ(PYTHONIOENCODING=encoding, PYTHONUTF8="0").spawn(*arguments, piped=False)
    out, err = await process.communicate()
    assert letters in out.decode("utf-8"), err
    if "--json" in arguments:
        orjson.loads(out)


async def test_a_file_whose_name_is_no_text_is_reported(beseda: Program) -> None:
    ended = await beseda("transcribe", os.fsdecode(b"\xff.ogg"), "--json")
    assert (ended.code, orjson.loads(ended.out)[0]["file"]) == (1, "\ufffd.ogg")
