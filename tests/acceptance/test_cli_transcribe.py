"""`beseda transcribe` as from a shell, against a local recogniser."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from tests.acceptance.program import PROGRAM, Program
from tests.parts.recordings import make_sound
from tests.parts.speech_server import Fault, SpeechServer

SAMPLES = Path(__file__).parents[1] / "samples" / "voice"
HELLO, NOTE, MUTE = (str(SAMPLES / name) for name in ("hello.ogg", "note.mp4", "mute.mp4"))


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with SpeechServer() as running:
        yield running


@pytest.fixture
def beseda(tmp_path: Path, server: SpeechServer) -> Program:
    return Program(tmp_path, {"ASR_BASE_URL": server.base_url})


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


async def test_text_is_printed(beseda: Program, server: SpeechServer) -> None:
    outcome = await beseda("transcribe", HELLO, "--language", "ru", "--model", "asr:whisper-1")
    assert (outcome.code, outcome.out, outcome.err) == (0, "Привет, мир\n", "")
    assert server.heard[0].fields == {"model": "whisper-1", "response_format": "verbose_json", "language": "ru"}


async def test_several_files_go_into_a_folder_with_subtitles(beseda: Program, tmp_path: Path) -> None:
    outcome = await beseda("transcribe", HELLO, NOTE, HELLO, "--srt", "-o", "texts")
    assert outcome.code == 0
    srt = "1\n00:00:00,500 --> 00:00:03,500\nПривет, мир\n"
    names = {"hello": "Привет, мир\n", "note": "Привет, мир\n", "hello-2": "Привет, мир\n"}
    expected = {f"{name}.txt": text for name, text in names.items()} | {f"{name}.srt": srt for name in names}
    assert files(tmp_path / "texts") == expected
    assert outcome.out.splitlines()[:2] == ["texts/hello.txt", "texts/hello.srt"]


async def test_subtitles_alone_are_printed(beseda: Program) -> None:
    assert (await beseda("transcribe", "--srt", HELLO)).out.startswith("1\n00:00:00,500 -->")


async def test_file_that_fails_takes_no_other_with_it(beseda: Program, tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("words")
    outcome = await beseda("transcribe", "gone.ogg", MUTE, "text.mp3", HELLO)
    assert outcome.code == 1
    assert outcome.out == f"== {HELLO} ==\nПривет, мир\n\n"
    gone, mute, text = outcome.err.splitlines()
    assert gone == "beseda: gone.ogg: there is no such file"
    assert mute.startswith(f"beseda: {MUTE}: no sound can be read")
    assert "ffmpeg" not in mute + text


async def test_answer_for_programs(beseda: Program) -> None:
    outcome = await beseda("transcribe", "--json", HELLO, MUTE)
    good, bad = orjson.loads(outcome.out)
    assert (good["ok"], good["text"], good["segments"][0]["end"]) == (True, "Привет, мир", 3.5)
    assert (bad["ok"], outcome.code) == (False, 1)


async def test_unavailable_subtitles_are_reported(beseda: Program, server: SpeechServer) -> None:
    server.knows_times = False
    outcome = await beseda("transcribe", "--srt", HELLO)
    assert outcome.code == 1
    assert "tells no times" in outcome.complaint


async def test_recogniser_that_refuses_is_named(beseda: Program, server: SpeechServer) -> None:
    server.faults.append(Fault.UNAUTHORIZED)
    outcome = await beseda("transcribe", HELLO)
    assert outcome.code == 1
    assert "asr: HTTP 401" in outcome.complaint


async def test_no_recogniser_is_a_setting(tmp_path: Path) -> None:
    outcome = await Program(tmp_path)("transcribe", HELLO)
    assert outcome.code == 2
    assert "no speech recogniser is configured; set one of GROQ_API_KEY" in outcome.complaint


async def test_no_file_is_a_question(beseda: Program) -> None:
    assert (await beseda("transcribe")).code == 2


async def test_interrupt_ends_it_and_leaves_nothing(beseda: Program, server: SpeechServer, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    server.delay = 60
    process = await beseda.with_environ(TMPDIR=str(tmp_path / "tmp")).spawn("transcribe", HELLO)
    async with asyncio.timeout(60):
        while not server.heard:  # noqa: ASYNC110 - the server is a condition, not an event
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert err == b""
    assert files(tmp_path / "tmp") == {}


async def test_file_names_of_others_are_not_overwritten(beseda: Program, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("mine")
    assert (await beseda("transcribe", HELLO, "-o", ".")).out == "hello-2.txt\n"
    assert (tmp_path / "hello.txt").read_text() == "mine"


async def test_answer_cannot_speak_to_the_terminal(beseda: Program, server: SpeechServer) -> None:
    server.text = "раз\x1b]0;title\x07\x1b[2J два"
    assert (await beseda("transcribe", HELLO)).out == "раз]0;title[2J два\n"


async def test_full_disk_leaves_no_half_text(beseda: Program, server: SpeechServer, tmp_path: Path) -> None:
    server.text = "слово " * 20_000
    limited = ("sh", "-c", 'ulimit -f 64; exec "$0" "$@"', PROGRAM)
    outcome = await beseda("transcribe", HELLO, "-o", "texts", program=limited)
    assert outcome.code == 1
    assert outcome.complaint == "beseda: texts/hello.txt: File too large"
    assert files(tmp_path / "texts") == {}


SENTENCES = [f"Это предложение номер {number}, в нём несколько слов." for number in range(100)]


async def test_a_long_text_comes_in_paragraphs_with_times(
    beseda: Program, server: SpeechServer, tmp_path: Path
) -> None:
    spoken = await make_sound(tmp_path / "long.ogg", seconds=500)
    segments = [{"start": 5.0 * n, "end": 5.0 * n + 4.5, "text": words} for n, words in enumerate(SENTENCES)]
    server.ear = lambda _: {"text": " ".join(SENTENCES), "duration": 500.0, "segments": segments}
    printed = await beseda("transcribe", str(spoken))
    paragraphs = printed.out.rstrip("\n").split("\n\n")
    assert [paragraph[:30] for paragraph in paragraphs[:2]] == [
        "[00:00] Это предложение номер ",
        "[00:55] Это предложение номер ",
    ]
    assert max(map(len, paragraphs)) < 1000


async def test_a_long_text_without_times_comes_in_paragraphs(beseda: Program, server: SpeechServer) -> None:
    server.knows_times = False
    server.text = " ".join(SENTENCES)
    paragraphs = (await beseda("transcribe", HELLO)).out.rstrip("\n").split("\n\n")
    assert (len(paragraphs) > 4, max(map(len, paragraphs)) < 1000) == (True, True)
    assert " ".join(paragraphs) == server.text


async def test_a_folder_is_called_one(beseda: Program) -> None:
    assert (await beseda("transcribe", ".")).complaint == "beseda: .: it is a folder"
