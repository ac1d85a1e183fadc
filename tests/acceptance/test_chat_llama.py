"""`beseda chat` and `ask --usage` with a real llama.cpp server, which knows its context and counts tokens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.chat_terminal import CTRL_C, open_terminal
from tests.acceptance.program import Program
from tests.parts.llama_server import CONTEXT, running_llama, write_tiny_model


@pytest.fixture
async def beseda(tmp_path: Path) -> AsyncIterator[Program]:
    write_tiny_model(tmp_path / "tiny.gguf")
    async with running_llama(tmp_path / "tiny.gguf", literal="hello") as url:
        environ = {"LLAMA_SERVER_URL": url, "BESEDA_MODEL": "llamacpp", "BESEDA_LANG": "en"}
        yield Program(tmp_path, environ)


async def test_question_beyond_the_context_is_not_even_sent(beseda: Program) -> None:
    ended = await beseda("chat", stdin=f"hello\n{'hello ' * 2 * CONTEXT}\n/history\n".encode())
    assert ended.code == 1
    assert f"the model reads {CONTEXT}" in ended.out.replace("\n", " ")
    assert ended.out.count("user: ") == 1


async def test_server_counts_the_tokens_of_the_question(beseda: Program) -> None:
    asked = await beseda("ask", "--usage", "hello world")
    assert (asked.code, asked.out.startswith("hello\n\nlocal_input_tokens: ")) == (0, True)
    assert "estimate" not in asked.err


async def test_ctrl_c_ends_the_question_about_the_context_too(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        environ = {"LLAMA_SERVER_URL": f"http://127.0.0.1:{port}", "BESEDA_LANG": "en"}
        program = Program(tmp_path, environ)
        async with open_terminal(["chat", "--model", "llamacpp:x"], tmp_path, program.environ) as terminal:
            await terminal.expect("Enter sends")
            asked.clear()  # the start may have looked for the server
            terminal.send("hello")
            await asyncio.wait_for(asked.wait(), 20)
            terminal.type(CTRL_C)
            await terminal.expect("[stopped; the question is not kept")
            await terminal.expect("Enter sends")
            terminal.send("/exit")
            assert await terminal.wait() == 0


async def test_a_long_talk_goes_on_in_a_small_context(beseda: Program) -> None:
    """With 512 tokens each question was refused after a few turns, /compress and /retry too: only /clear helped."""
    said = "".join(f"Скажи ещё что-нибудь о погоде, пожалуйста, {number}\n" for number in range(12))
    ended = await beseda("chat", stdin=f"{said}/compress\n/retry\n/history\n".encode())
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("\nhello\n") == 13
    assert "is summed up" in " ".join(ended.out.split())


async def test_a_file_that_cannot_fit_is_refused_immediately(beseda: Program) -> None:
    file = beseda.folder / "long.txt"
    file.write_text("слово " * 300_000, encoding="utf-8")
    started = asyncio.get_running_loop().time()
    asked = await beseda("ask", "--file", str(file), "--model", "llamacpp")
    assert asked.code == 1
    assert f"cannot fit into a context of {CONTEXT} tokens" in asked.err
    assert asyncio.get_running_loop().time() - started < 10
