"""`beseda run` with the bundled bots: which of them run, and what keeps them from it."""

from pathlib import Path

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program

ANNA = DEFAULT_USERS[0].id
BOTS = ("assistant", "hf_demo", "literary", "llama", "media", "real_estate", "sales")


async def test_every_bundled_bot_answers_without_keys(beseda: Program) -> None:
    async with beseda.serve("run") as service:
        root = service.url.split("/sandbox")[0]
        for name in BOTS:
            async with SandboxUser(root, ANNA, f"{name}_bot:{ANNA}") as anna:
                await anna.say("/start")
                await anna.wait_reply(20)
                await anna.say("Привет")
                assert "демо-режим" in (await anna.wait_reply(20))["text"]


async def test_bot_that_is_named_runs_alone(beseda: Program) -> None:
    async with beseda.serve("run", "--bot", "llama", "--sandbox") as service:
        root = service.url.split("/sandbox")[0]
        async with SandboxUser(root, ANNA, f"llama_bot:{ANNA}") as anna:
            await anna.say("/start")
            await anna.wait_text("🦙", 20)


async def test_two_bots_with_one_token_are_refused_by_both_names(beseda: Program) -> None:
    tokens = {"LLAMA_BOT_TOKEN": "1:same", "HF_BOT_TOKEN": "1:same"}
    outcome = await beseda.with_environ(**tokens)("run", "--port", "0")
    assert outcome.code == 2
    assert "'hf_demo' and 'llama' have the same token: set HF_BOT_TOKEN and LLAMA_BOT_TOKEN" in outcome.complaint


async def test_wrong_catalogue_of_homes_ends_the_start_with_its_line(beseda: Program) -> None:
    _supply(beseda.folder, "id;район;комнат;площадь;цена\nА-1;Юг;два;50;5000000\n")
    outcome = await beseda("run", "--port", "0")
    assert outcome.code == 2
    assert "real_estate.csv: line 2, column 'rooms': 'два' is not a number" in outcome.complaint


def _supply(folder: Path, homes: str) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "real_estate.csv").write_text(homes, encoding="utf-8")
