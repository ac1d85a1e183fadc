"""`beseda ask --usage`, `--json` and `--tokenizer`, and what a start costs."""

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tests.acceptance.program import Program, measure
from tests.parts.model_server import CONTEXT_TOO_LONG, ModelServer, Reply, answer_page, refuse

# In CPU seconds of a Python that loads what no command of this kind can do without. Seconds alone would measure the
# machine and whatever else runs on it.
START_UP = 2.7
BARE = "import aiohttp, pydantic, typer"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def beseda(tmp_path: Path, server: ModelServer) -> Program:
    environ = {"OPENAI_API_KEY": "sk-of-the-tests-12345", "OPENAI_BASE_URL": server.base_url}
    return Program(tmp_path, {**environ, "BESEDA_MODEL": "openai:test/served-model"})


def write_tokenizer(path: Path) -> Path:
    """A tokenizer whose tokens are the words."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path))
    return path


async def test_usage_is_the_answer_a_blank_line_and_four_lines(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(text=["Здравствуйте!"], usage=(12, 64))
    asked = await beseda("ask", "--usage", "--text", "Привет! Как дела?")
    assert asked.code == 0
    *answer, local, prompt, completion, finish = asked.out.splitlines()
    assert answer == ["Здравствуйте!", ""]
    assert re.fullmatch(r"local_input_tokens: \d+", local)
    assert (prompt, completion, finish) == (
        "api_prompt_tokens: 12",
        "api_completion_tokens: 64",
        "finish_reason: stop",
    )
    assert "estimate" in asked.err


async def test_usage_counts_by_a_custom_tokenizer(beseda: Program) -> None:
    path = write_tokenizer(beseda.folder / "tokenizer.json")
    asked = await beseda("ask", "--usage", "--tokenizer", str(path), "one two three")
    assert "\n\nlocal_input_tokens: 3\n" in asked.out
    assert "estimate" not in asked.err


async def test_file_that_is_no_tokenizer_is_refused(beseda: Program, server: ModelServer) -> None:
    (beseda.folder / "t.json").write_text("{}")
    asked = await beseda("ask", "--usage", "--tokenizer", "t.json", "hi")
    assert (asked.code, asked.out, server.requests) == (2, "", [])
    assert "not a tokenizer.json" in asked.complaint


async def test_json_holds_everything(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(text=["Да"], usage=(12, 1), cost=0.5)
    asked = await beseda("ask", "hi", "--json", "--usage", "--system", "Be brief.")
    told = json.loads(asked.out)
    assert (asked.code, asked.err, told["answer"], told["cost"]) == (0, "", "Да", 0.5)
    assert (told["prompt_tokens"], told["completion_tokens"], told["finish_reason"]) == (12, 1, "stop")
    assert told["local_input_tokens"] > 0 and told["total_seconds"] > 0
    assert [message["role"] for message in server.requests[0].body["messages"]] == ["system", "user"]


BAD_ANSWERS = {
    "key": (refuse(401, {"message": "Incorrect API key provided", "code": "invalid_api_key"}), "OPENAI_API_KEY"),
    "long": (CONTEXT_TOO_LONG["openai"], "8192"),
    "page": (answer_page(), "openai"),
    "money": (refuse(402), "openai"),
}


@pytest.mark.parametrize(("reply", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_failure_is_a_line_and_exit_code_1(
    reply: Reply, words: str, beseda: Program, server: ModelServer
) -> None:
    server.default = reply
    asked = await beseda("ask", "hi")
    assert (asked.code, asked.out) == (1, "")
    assert words in asked.complaint


async def test_wrong_name_of_a_model_brings_the_nearest(beseda: Program, server: ModelServer) -> None:
    server.default = refuse(404, {"message": "The model does not exist", "code": "model_not_found"})
    asked = await beseda("ask", "hi", "--model", "openai:test/servd-model")
    assert (asked.code, asked.out) == (1, "")
    assert "test/served-model" in asked.complaint


async def test_address_without_its_path_is_mended(beseda: Program, server: ModelServer) -> None:
    asked = await beseda.with_environ(OPENAI_BASE_URL=server.url)("ask", "hi")
    assert (asked.code, server.requests[0].path) == (0, "/v1/chat/completions")


async def test_key_in_the_wrong_variable_is_reported_and_not_shown(beseda: Program, server: ModelServer) -> None:
    wrong = beseda.with_environ(GROQ_API_KEY="hf_" + "a" * 34)
    asked = await wrong("ask", "hi", "--model", "groq")
    assert (asked.code, server.requests) == (2, [])
    assert "HF_TOKEN" in asked.complaint and "a" * 34 not in asked.err


REFUSED = {
    "one-model": (["--compare", "openai:a", "hi"], "two models or more"),
    "unknown": (["--compare", "openai:a,opnai:b", "hi"], "did you mean openai"),
    "both": (["--compare", "openai:a,openai:b", "--compare-three", "hi"], "give one of them"),
    "usage": (["--compare", "openai:a,openai:b", "--usage", "hi"], "--usage is for one model"),
    "tokenizer": (["--tokenizer", "t.json", "hi"], "--usage"),
    "two-texts": (["--compare", "openai:a,openai:b", "hi", "--text", "hi"], "one place"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
async def test_options_that_do_not_go_together_are_refused(
    arguments: list[str], words: str, beseda: Program, server: ModelServer
) -> None:
    refused = await beseda("ask", *arguments)
    assert (refused.code, refused.out, server.requests) == (2, "", [])
    assert words in refused.complaint


async def test_start_costs_little(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(text=["Да"])
    asking, bare = [], []
    for _ in range(5):
        asking.append(await measure(beseda("ask", "hi")))
        bare.append(await measure(beseda("-c", BARE, program=(sys.executable,))))
    print(f"beseda ask: {min(asking):.3f} CPU seconds, {min(asking) / min(bare):.1f} times a bare start")
    assert min(asking) < START_UP * min(bare)


LOADED = """
import sys
from beseda.cli import main
try:
    main()
except SystemExit:
    print("LOADED", *{name.split(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize("command", [["ask", "hi"], ["chat"], ["ask", "hi", "--compare", "openai:a,openai:b"]], ids=str)
async def test_terminal_loads_neither_bots_nor_database(command: list[str], beseda: Program) -> None:
    ended = await beseda(*command, program=(sys.executable, "-c", LOADED), stdin=b"hi\n")
    loaded = set(ended.out.partition("LOADED")[2].split())
    assert "aiohttp" in loaded
    assert loaded.isdisjoint({"aiogram", "fastapi", "sqlalchemy", "starlette", "alembic"})
