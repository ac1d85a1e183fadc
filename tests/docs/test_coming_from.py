"""The page for users of other programs: its commands run, and its settings and tables exist."""

import re
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from beseda.app_tables import metadata
from scripts.source import ROOT
from tests.acceptance.program import Program
from tests.parts.gigachat_server import GIGA_KEY, GigaChatServer
from tests.parts.model_server import ModelServer

PAGE = (ROOT / "docs/coming-from.md").read_text("utf-8")
ROWS = re.findall(r"^\| (?!there|---|program)(.+?) \| (.+) \|$", PAGE.partition("## Other programs")[0], re.MULTILINE)
HERE = [code for _, here in ROWS for code in re.findall(r"`([^`]+)`", here)]
# Variables that the reference names by their pattern (`<ENDPOINT>_MODEL_NAME`, `<BOT>_BOT_TOKEN`).
PATTERNED = {"GIGA_MODEL_NAME", "LLAMA_BOT_TOKEN"}
# Commands of the original programs and the arguments of ours: the question takes the place of the page's dots.
ASKED = [
    ("ask", "…", "--model", "llama3"),
    ("ask", "…", "--compare_three"),
    ("ask", "…", "--compare-three"),
    ("ask", "--model", "hf:llama3", "--usage", "--text", "…"),
    ("ask", "--model", "hf:llama3", "--usage", "--file", "prompt.txt"),
]


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """The command in a new folder, with the services of the original programs played on this machine."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ModelServer())
        giga = await stack.enter_async_context(GigaChatServer())
        environ = {"HF_BASE_URL": model.base_url, "HF_TOKEN": "hf_key-of-a-reader", "GIGA_CLIENT_BASIC": GIGA_KEY}
        environ |= {"GIGA_AUTH_URL": giga.auth_url, "GIGA_API_BASE_URL": giga.base_url.removesuffix("/api/v1")}
        (tmp_path / "prompt.txt").write_text("What is new?\n")
        yield Program(tmp_path, environ)


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
async def test_command_of_the_page_is_answered(arguments: tuple[str, ...], program: Program) -> None:
    assert " ".join(arguments[-2:-1] if "prompt.txt" in arguments else arguments[-1:]) in PAGE
    done = await program(*(argument.replace("…", "What is new?") for argument in arguments))
    assert done.code == 0, done.err
    assert "Привет! I am **fine**" in done.out
    if "--usage" in arguments:
        names = ("local_input_tokens", "api_prompt_tokens", "api_completion_tokens", "finish_reason")
        assert re.findall(r"^(\w+): ", done.out, re.MULTILINE) == list(names)


async def test_question_by_a_pipe_is_answered(program: Program) -> None:
    done = await program("ask", "--model", "hf:llama3", "--usage", stdin=b"What is new?\n")
    assert done.code == 0, done.err
    assert "finish_reason: stop" in done.out


async def test_console_chat_answers_at_an_address_without_a_path(program: Program) -> None:
    done = await program("chat", "--model", "gigachat", "--session-list-limit", "3", stdin=b"Hello\n/save\n/exit\n")
    assert done.code == 0, done.err
    assert "fine" in done.out
    assert (program.folder / ".chat_memory.json").exists()


async def test_every_option_of_the_page_exists(program: Program) -> None:
    commands = [shlex.split(code) for code in HERE if code.startswith("beseda ")]
    assert len(commands) > 12
    for name in sorted({words[1] for words in commands} - {"keys"}):
        shown = (await program(name, "--help")).out
        options = {word for words in commands if words[1] == name for word in words if word.startswith("--")}
        assert {option for option in options if option not in shown} == set(), name


@pytest.mark.parametrize("name", ["real_estate", "literary", "hf_demo", "media", "llama"])
@pytest.mark.slow
async def test_bot_of_an_original_program_starts_alone(name: str, program: Program) -> None:
    demo = program.with_environ(BESEDA_MODEL="demo")
    async with demo.serve("run", "--bot", name) as service:
        assert await service.stop() == 0


def test_every_setting_of_the_page_exists() -> None:
    reference = "".join((ROOT / "docs/reference" / name).read_text("utf-8") for name in ("settings.md", "endpoints.md"))
    named = {
        name
        for there, here in ROWS
        for name in re.findall(r"`([A-Z][A-Z_]{4,})[=`]", f"{here} {there if here.startswith('the same') else ''}")
    }
    assert len(named) > 15
    assert {name for name in named if f"`{name}`" not in reference} == PATTERNED


def test_number_and_names_of_tables_are_current() -> None:
    here = next(here for there, here in ROWS if there == "15 tables")
    assert here.startswith(f"{len(metadata.tables)}. ")
    assert {"lead_stages", "events", "flood_waits"} <= metadata.tables.keys()
    assert not {"sales_stages", "sales_events", "flood_wait_history"} & metadata.tables.keys()
