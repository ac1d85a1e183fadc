"""`beseda ask` against a scripted model server on loopback."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.parts.model_server import ModelServer, Reply, break_after, fall_silent

KEY = "sk-of-the-tests-1234567890"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        server.api_key = KEY
        yield server


@pytest.fixture
def beseda(tmp_path: Path, server: ModelServer) -> Program:
    environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url, "BESEDA_MODEL": "openai:test/served-model"}
    return Program(tmp_path, environ)


def last_question(server: ModelServer) -> str:
    return str(server.requests[-1].body["messages"][-1]["content"])


async def test_answer_comes_as_it_is_made(beseda: Program, server: ModelServer) -> None:
    server.script(Reply(text=["Привет, ", "мир"], cut_after=1, hang=True))
    process = await beseda.spawn("ask", "Как дела?", piped=False)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert (await process.stdout.readexactly(len("Привет, ".encode()))).decode() == "Привет, "
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (130, b"\n", b"")
    await server.wait_for_disconnect()


async def test_answer_goes_to_stdout_and_its_price_to_stderr(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(text=["Да\x1b[2J."], cost=0.0125)
    asked = await beseda("ask", "Это\nв две строки?", "--temperature", "0.5", "--max-tokens", "77")
    assert (asked.code, asked.out) == (0, "Да[2J.\n")
    assert re.fullmatch(r"\[openai:test/served-model, 12 tokens in, 7 out, \$0\.0125, \d+\.\d\d s\]\n", asked.err)
    body = server.requests[0].body
    assert last_question(server) == "Это\nв две строки?"
    assert (body["temperature"], 77 in body.values()) == (0.5, True)


@pytest.mark.parametrize("reasoning", ["", "Надо поздороваться."])
async def test_thought_without_its_opening_mark_stays_off_stdout(
    reasoning: str, beseda: Program, server: ModelServer
) -> None:
    thought = () if reasoning else ("Надо поздо", "роваться.\n</think>\n\n")
    server.default = Reply(text=[*thought, "При", "вет!"], reasoning=reasoning)
    asked = await beseda("ask", "hi", "--model", "openai:deepseek-r1")
    assert (asked.code, asked.out) == (0, "Привет!\n")
    assert "thinking aloud" not in asked.err


async def test_answer_that_was_cut_off_is_marked(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(finish="length")
    assert "--max-tokens" in (await beseda("ask", "long")).err


async def test_question_comes_from_one_of_four_places(beseda: Program, server: ModelServer) -> None:
    (beseda.folder / "question.txt").write_bytes("\ufeffиз файла\n".encode())
    assert (await beseda("ask", "--text", "из ключа")).code == 0
    assert last_question(server) == "из ключа"
    assert (await beseda("ask", "--file", "question.txt")).code == 0
    assert last_question(server) == "из файла\n"
    assert (await beseda("ask", stdin="со входа\nдо конца".encode())).code == 0
    assert last_question(server) == "со входа\nдо конца"


REFUSED = {
    "two": (["hi", "--text", "hi"], "one place"),
    "three": (["hi", "--text", "hi", "--file", "bad.txt"], "one place"),
    "nothing": ([], "empty"),
    "empty": ([""], "empty"),
    "blank": (["--text", " \n "], "empty"),
    "missing-file": (["--file", "none.txt"], "none.txt cannot be read: No such file"),
    "folder": (["--file", "."], "Is a directory"),
    "not-utf8": (["--file", "bad.txt"], "bad.txt is not UTF-8 text: byte 4"),
    "endless": (["--file", "/dev/zero"], "/dev/zero is over 4 MB"),
    "large": (["--file", "large.txt"], "large.txt is over 4 MB"),
    "broken-argument": ([os.fsdecode(b"\xff")], "not UTF-8"),
    "temperature": (["hi", "--temperature", "3"], "--temperature"),
    "max-tokens": (["hi", "--max-tokens", "0"], "--max-tokens"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
async def test_question_that_cannot_be_asked_is_refused(
    arguments: list[str], words: str, beseda: Program, server: ModelServer
) -> None:
    (beseda.folder / "bad.txt").write_bytes(b"abc\xff")
    (beseda.folder / "large.txt").write_bytes(b"a" * (4 * 1024 * 1024 + 1))
    refused = await beseda("ask", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert words in refused.complaint
    assert server.requests == []


@pytest.mark.parametrize(("stdin", "words"), [(b"abc\xff", "not UTF-8"), (b"a" * (4 * 1024 * 1024 + 1), "over 4 MB")])
async def test_stdin_is_read_as_carefully_as_a_file(stdin: bytes, words: str, beseda: Program) -> None:
    refused = await beseda("ask", stdin=stdin)
    assert (refused.code, refused.out) == (2, "")
    assert words in refused.complaint


async def test_wrong_key_is_reported_without_the_key(beseda: Program) -> None:
    wrong = "sk-wrong-wrong-wrong-wrong"
    failed = await beseda.with_environ(OPENAI_API_KEY=wrong)("ask", "hi")
    assert (failed.code, failed.out) == (1, "")
    assert "OPENAI_API_KEY" in failed.complaint
    assert wrong not in failed.err


async def test_server_that_is_away_is_named(beseda: Program, server: ModelServer) -> None:
    await server.stop()
    failed = await beseda("ask", "hi")
    assert (failed.code, failed.out) == (1, "")
    assert re.search(r"127\.0\.0\.1:\d+", failed.complaint)


async def test_answer_that_breaks_off_keeps_its_beginning(beseda: Program, server: ModelServer) -> None:
    server.default = break_after(2)
    failed = await beseda("ask", "hi")
    assert failed.code == 1
    assert failed.out == "piece 0 piece 1 \n"
    assert failed.complaint


async def test_next_model_of_a_list_steps_in(beseda: Program, server: ModelServer) -> None:
    asked = await beseda.with_environ(GROQ_API_KEY="x", GROQ_BASE_URL="http://127.0.0.1:1/v1")(
        "ask", "hi", "--model", "groq:a,openai:b"
    )
    assert (asked.code, len(server.requests)) == (0, 1)
    assert server.requests[0].body["model"] == "b"


async def test_reader_that_leaves_is_no_traceback(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(text=["много слов "], endless=True, chunk_delay=0.001)
    process = await beseda.spawn("ask", "hi", piped=False)
    assert process.stdout is not None and process.stderr is not None
    async with asyncio.timeout(60):
        await process.stdout.readexactly(1)
        process.stdout._transport.close()  # type: ignore[attr-defined]  # what `| head -c 1` does
        err = await process.stderr.read()
        await process.wait()
    assert err == b""
    await server.wait_for_disconnect()


async def test_interrupt_while_waiting_ends_with_130(beseda: Program, server: ModelServer) -> None:
    server.default = fall_silent()
    process = await beseda.spawn("ask", "hi", piped=False)
    await server.wait_for_request(timeout=20)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (130, b"", b"")


async def test_lines_that_end_as_on_windows_are_lines(beseda: Program, server: ModelServer) -> None:
    (beseda.folder / "prompt.txt").write_bytes("\ufeffпервая\r\nвторая\r\n".encode())
    assert (await beseda("ask", "--file", "prompt.txt")).code == 0
    assert last_question(server) == "первая\nвторая\n"


async def test_unverified_gigachat_is_reported_at_every_start(beseda: Program, server: ModelServer) -> None:
    keys = {"GIGA_CLIENT_BASIC": "client-id:client-secret", "GIGA_API_BASE_URL": server.base_url}
    program = beseda.with_environ(**keys, GIGA_AUTH_URL=server.url, GIGA_VERIFY_SSL="false")
    asked = await program("ask", "hi", "--model", "gigachat")
    assert "GIGA_VERIFY_SSL=false: anybody on the way can read the key" in asked.err
    assert "GIGA_VERIFY_SSL" not in (await beseda("ask", "hi")).err
