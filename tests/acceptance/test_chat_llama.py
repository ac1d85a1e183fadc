"""`beseda chat` and `ask --usage` with a real llama.cpp server, which knows its context and counts tokens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
