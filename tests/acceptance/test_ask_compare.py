"""`beseda ask --compare`: side by side in time and on the screen, and one that fails is a row of the table."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.acceptance.chat_terminal import CTRL_C, open_terminal
from tests.acceptance.program import Program
from tests.parts.model_server import ModelServer, Reply, break_after, refuse

MODELS = "openai:alpha,groq:beta,deepseek:gamma"


@pytest.fixture
async def servers() -> AsyncIterator[list[ModelServer]]:
    """A server for each of the three, so that each has its own script."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(ModelServer()) for _ in range(3)]


@pytest.fixture
def beseda(tmp_path: Path, servers: list[ModelServer]) -> Program:
    names = ("OPENAI", "GROQ", "DEEPSEEK")
    urls = {f"{name}_BASE_URL": server.base_url for name, server in zip(names, servers, strict=True)}
    return Program(tmp_path, urls | {f"{name}_API_KEY": "key-of-the-tests" for name in names})


def set_replies(servers: list[ModelServer], *replies: Reply) -> None:
    for server, reply in zip(servers, replies, strict=True):
        server.default = reply


async def test_table_names_the_fastest_and_the_cheapest(beseda: Program, servers: list[ModelServer]) -> None:
    replies = [
        Reply(text=[f"ответ {n}"], cost=cost, delay=delay)
        for n, cost, delay in ((1, 0.3, 0), (2, 0.1, 0.5), (3, 0.2, 1))
    ]
    set_replies(servers, *replies)
    asked = await beseda("ask", "кто ты?", "--compare", MODELS)
    assert (asked.code, asked.err) == (0, "")
    assert [asked.out.index(f"ответ {n}") for n in (1, 2, 3)] == sorted(
        asked.out.index(f"ответ {n}") for n in (1, 2, 3)
    )
    head, *rows, fastest, cheapest = asked.out.splitlines()[-6:]
    assert head.split() == ["model", "first", "token", "total", "tokens/s", "in", "out", "cost"]
    assert [row.split()[-1] for row in rows] == ["$0.3000", "$0.1000", "$0.2000"]
    assert fastest.startswith("fastest: openai:") and cheapest.startswith("cheapest: groq:")


async def test_names_are_those_requested_and_the_names_they_resolve_to(
    beseda: Program, servers: list[ModelServer]
) -> None:
    asked = await beseda("ask", "hi", "--compare", MODELS)
    rows = asked.out.splitlines()[-9:]
    assert rows[:3] == [f"{name} → {name.partition(':')[0]}:test/served-model" for name in MODELS.split(",")]
    assert [row.split()[0] for row in rows[4:7]] == MODELS.split(",")


async def test_unknown_endpoint_is_reported_without_a_variable_that_is_not_set(beseda: Program) -> None:
    asked = await beseda("ask", "hi", "--compare", "opanai:x,groq:beta")
    assert asked.code == 2
    assert asked.complaint.startswith("beseda: there is no model endpoint 'opanai', did you mean openai")


async def test_comparison_takes_as_long_as_the_slowest(beseda: Program, servers: list[ModelServer]) -> None:
    slowest = 4.0
    set_replies(servers, Reply(delay=slowest / 4), Reply(delay=slowest / 2), Reply(delay=slowest))
    told = json.loads((await beseda("ask", "hi", "--compare", MODELS, "--json")).out)
    print(f"--compare of three: {told['seconds'] / slowest:.3f} of the slowest")
    assert slowest <= told["seconds"] <= slowest * 1.05
    assert [len(server.requests) for server in servers] == [1, 1, 1]


async def test_one_that_fails_is_a_row_and_not_an_end(beseda: Program, servers: list[ModelServer]) -> None:
    set_replies(servers, refuse(500), break_after(2), Reply(text=["живой"]))
    asked = await beseda("ask", "hi", "--compare", MODELS)
    assert asked.code == 0
    assert "живой" in asked.out
    rows = {line.split()[0]: line for line in asked.out.splitlines() if "  failed: " in line}
    assert rows.keys() == {"openai:alpha", "groq:beta"}
    assert [len(server.requests) for server in servers] == [1, 1, 1], "asked again: the times would be untrue"


async def test_key_that_is_missing_is_a_row_too(beseda: Program) -> None:
    asked = await beseda("ask", "hi", "--compare", f"{MODELS},openrouter:x", "--json")
    told = json.loads(asked.out)
    assert asked.code == 0
    assert "OPENROUTER_API_KEY" in told["models"][3]["error"]
    assert [row["error"] for row in told["models"][:3]] == [None] * 3


async def test_exit_code_is_1_if_all_fail(beseda: Program, servers: list[ModelServer]) -> None:
    set_replies(servers, refuse(500), refuse(401), refuse(404))
    asked = await beseda("ask", "hi", "--compare", MODELS)
    assert asked.code == 1
    assert asked.out.count("  failed: ") == 3
    assert "fastest" not in asked.out


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        (["--compare-three"], ["hf:deepseek", "hf:llama3", "hf:qwen2"]),
        (["--compare_three"], ["hf:deepseek", "hf:llama3", "hf:qwen2"]),
        (["--compare", "hf:deepseek,llama3,qwen2"], ["hf:deepseek", "hf:llama3", "hf:qwen2"]),
    ],
)
async def test_three_of_hugging_face_are_compared(
    flags: list[str], asked: list[str], beseda: Program, servers: list[ModelServer]
) -> None:
    names = ["deepseek-ai/DeepSeek-V4-Flash-0731", "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen2.5-7B-Instruct-1M"]
    servers[0].models = [{"id": name, "object": "model", "owned_by": "test"} for name in names]
    program = beseda.with_environ(HF_TOKEN="hf_of_the_tests", HF_BASE_URL=servers[0].base_url)
    told = json.loads((await program("ask", "hi", *flags, "--json")).out)
    assert [row["asked"] for row in told["models"]] == asked
    assert [row["error"] for row in told["models"]] == [None] * 3
    assert len(servers[0].requests) == 3


async def test_wide_terminal_shows_columns_that_grow(beseda: Program, servers: list[ModelServer]) -> None:
    set_replies(servers, *(Reply(text=[f"начало {n} ", f"конец {n}"], chunk_delay=0.3) for n in (1, 2, 3)))
    async with open_terminal(
        ["ask", "hi", "--compare", MODELS], beseda.folder, beseda.environ, columns=120
    ) as terminal:
        shown = await terminal.expect("fastest:")
        assert await terminal.wait() == 0
    beginnings = [shown.index(f"начало {n}") for n in (1, 2, 3)]
    assert max(beginnings) < shown.index("конец 1"), "all three are shown while they grow"
    lines = [line for line in shown.splitlines() if "начало 1 конец 1" in line]
    assert "начало 3 конец 3" in lines[-1]


async def test_narrow_terminal_shows_one_after_the_other(beseda: Program, servers: list[ModelServer]) -> None:
    set_replies(servers, *(Reply(text=[f"начало {n} ", f"конец {n}"]) for n in (1, 2, 3)))
    async with open_terminal(["ask", "hi", "--compare", MODELS], beseda.folder, beseda.environ, columns=60) as terminal:
        shown = await terminal.expect("fastest:")
    assert shown.index("── openai:alpha") < shown.index("начало 1 конец 1") < shown.index("── groq:beta")


async def test_ctrl_c_ends_all_of_them(beseda: Program, servers: list[ModelServer]) -> None:
    set_replies(servers, *(Reply(hang=True) for _ in servers))
    async with open_terminal(["ask", "hi", "--compare", MODELS], beseda.folder, beseda.environ) as terminal:
        await asyncio.gather(*(server.wait_for_request(timeout=20) for server in servers))
        terminal.type(CTRL_C)
        assert await terminal.wait() == 130
    await asyncio.gather(*(server.wait_for_disconnect() for server in servers))


async def test_reader_that_leaves_is_no_traceback(beseda: Program, servers: list[ModelServer]) -> None:
    set_replies(servers, *(Reply(text=["много слов "], endless=True, chunk_delay=0.001) for _ in servers))
    process = await beseda.spawn("ask", "hi", "--compare", MODELS)
    assert process.stdout is not None and process.stderr is not None
    async with asyncio.timeout(60):
        await process.stdout.readexactly(40)
        process.stdout._transport.close()  # type: ignore[attr-defined]  # what `| head` does
        err = await process.stderr.read()
        await process.wait()
    assert err == b""
