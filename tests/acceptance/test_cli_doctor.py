"""`beseda doctor` and `beseda models`: what they find, and what they say to do."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from beseda.bots.catalog import Catalog
from botapi_sandbox import RunningSandbox
from tests.acceptance.program import Outcome, Program
from tests.parts.llama_server import find_smollm2, running_llama, write_tiny_model
from tests.parts.model_server import ModelServer
from tests.parts.redis import RedisServer
from tests.parts.sandboxes import OTHER_TOKEN, TOKEN, open_sandbox

AWAY = "http://127.0.0.1:1"
BOTS = [f"bot {name}" for name in Catalog([]).names()]
PARTS = [*BOTS, "bot tokens", "model", "speech", "storage", "database", "redis", "broker", "ffmpeg"]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    async with open_sandbox(tmp_path / "telegram") as running:
        yield running


def find(outcome: Outcome) -> dict[str, dict[str, Any]]:
    assert "Traceback" not in outcome.err
    return {finding["part"]: finding for finding in json.loads(outcome.out)}


async def test_newcomer_sees_a_line_for_each_part_and_nothing_fails(beseda: Program) -> None:
    seen = await beseda("doctor")
    assert (seen.code, seen.err) == (0, "")
    lines = seen.out.splitlines()
    assert [line[2:24].strip() for line in lines] == PARTS
    assert {line[0] for line in lines} <= {"✓", "!"}
    assert [word for word in ("BOT_TOKEN", "OPENROUTER_API_KEY") if word not in seen.out] == []
    database = next(line for line in lines if line[2:].startswith("database"))
    assert database.startswith("✓") and "the next start does that" in database and "upgrade" not in database
    assert not (beseda.folder / "data" / "beseda.db").exists()


async def test_everything_set_up_is_everything_fine(
    beseda: Program, telegram: RunningSandbox, server: ModelServer, tmp_path: Path
) -> None:
    redis = RedisServer(tmp_path)
    try:
        ready = beseda.with_environ(
            BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=telegram.base_url,
            REDIS_URL=redis.url,
            CELERY_BROKER_URL=redis.url,
            BESEDA_MODEL="openai:test/served-model",
            OPENAI_API_KEY="x",
            OPENAI_BASE_URL=server.base_url,
        )
        await ready("db", "upgrade")
        seen = await ready("doctor", "--json")
    finally:
        redis.stop()
    found = find(seen)
    assert seen.code == 0
    assert [part for part in found if not found[part]["ok"]] == ["speech"] or all(f["ok"] for f in found.values())
    assert found["token of assistant"]["detail"] == "@first_bot"
    assert found["redis"]["detail"] == "answers"
    assert found["broker"]["detail"].startswith("answers")
    assert found["model"]["detail"].startswith("openai:test/served-model: ")
    assert "up to date" in found["database"]["detail"]


async def test_language_that_was_added_is_counted_and_a_wrong_one_refused(beseda: Program) -> None:
    folder = beseda.folder / "locales"
    folder.mkdir()
    (folder / "de.toml").write_text('[clear]\nyes = "Ja"\nno = "Nein"\n', encoding="utf-8")
    language = find(await beseda("doctor", "--json"))["language de"]
    assert language["ok"] and language["detail"].startswith("2 of ")
    (folder / "de.toml").write_text('[clear]\njes = "Ja"\n', encoding="utf-8")
    refused = await beseda("doctor")
    assert refused.code == 2
    assert "locales/de.toml: clear.jes: there is no such text" in refused.complaint


async def test_each_failure_names_its_remedy(beseda: Program) -> None:
    seen = await beseda.with_environ(
        BOT_TOKEN=TOKEN,
        TELEGRAM_API_URL=AWAY,
        BESEDA_MODEL="openai:x",
        OPENAI_API_KEY="sk-secret-secret-secret",
        OPENAI_BASE_URL=AWAY,
        BESEDA_SPEECH="openai",
        DATABASE_URL="postgresql://beseda:word-of-pass@127.0.0.1:1/beseda",
        REDIS_URL="redis://127.0.0.1:1",
        CELERY_BROKER_URL="redis://:word-of-broker@127.0.0.1:1/0",
    )("doctor", "--json")
    found = find(seen)
    assert seen.code == 1
    failed = {part for part in found if found[part]["needed"] and not found[part]["ok"]}
    assert failed == {"token of assistant", "model", "speech", "database", "redis", "broker"}
    assert "TELEGRAM_API_URL" in found["token of assistant"]["detail"]
    assert "DATABASE_URL" in found["database"]["detail"]
    assert "REDIS_URL" in found["redis"]["detail"]
    assert "CELERY_BROKER_URL" in found["broker"]["detail"]
    secrets = (TOKEN, "word-of-pass", "word-of-broker", "sk-secret-secret-secret")
    assert all(secret not in seen.out + seen.err for secret in secrets)


async def test_wrong_token_is_distinguished_from_an_absent_server(beseda: Program, telegram: RunningSandbox) -> None:
    await beseda("bots", "new", "sales", "--replace")
    seen = await beseda.with_environ(
        BOT_TOKEN="1000000009:nobody-has-this-token", SALES_BOT_TOKEN=OTHER_TOKEN, TELEGRAM_API_URL=telegram.base_url
    )("doctor")
    assert seen.code == 1
    assert "✗ token of assistant     Telegram does not know it: copy it again from @BotFather" in seen.out.splitlines()
    assert "✓ token of sales         @second_bot" in seen.out.splitlines()
    assert "nobody-has-this-token" not in seen.out + seen.err


async def test_broken_folder_and_missing_token_are_findings(beseda: Program, telegram: RunningSandbox) -> None:
    await beseda("bots", "new", "sales", "--replace")
    (beseda.folder / "bots/sales/persona_prompt.md").write_text("")
    seen = await beseda.with_environ(
        BESEDA_BOTS="assistant,sales", ASSISTANT_BOT_TOKEN=TOKEN, TELEGRAM_API_URL=telegram.base_url
    )("doctor", "--json")
    found = find(seen)
    assert seen.code == 1
    assert "persona_prompt.md is empty" in found["bot sales"]["detail"]
    assert "SALES_BOT_TOKEN" in found["token of sales"]["detail"]
    assert found["token of assistant"]["ok"]


async def test_folder_that_other_users_can_enter_is_named(beseda: Program) -> None:
    data = beseda.folder / "data"
    data.mkdir()
    data.chmod(0o755)  # as the first version made it
    for name, mode in (("open", 0o755), ("closed", 0o700)):
        data.chmod(mode)
        outcome = await beseda("doctor", "--json")
        found = [finding for finding in json.loads(outcome.out) if finding["part"] == "access"]
        assert [f"chmod 700 {data.name}" in finding["detail"] for finding in found] == [True] * (name == "open")
        assert not any(finding["needed"] for finding in found)
        assert outcome.code == 0, outcome.out


async def test_new_folder_is_its_owners_alone(beseda: Program) -> None:
    assert (await beseda("db", "upgrade")).code == 0
    data = beseda.folder / "data"
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "beseda.db").stat().st_mode & 0o777 == 0o600


async def test_models_are_listed_with_their_requirements(beseda: Program, server: ModelServer) -> None:
    listing = beseda.with_environ(
        OPENAI_API_KEY="x", OPENAI_BASE_URL=server.base_url, GROQ_API_KEY="x", GROQ_BASE_URL=AWAY
    )
    server.models.append({"id": "gpt-6-luna", "object": "model", "owned_by": "test"})
    rows = {row["endpoint"]: row for row in json.loads((await listing("models", "list", "--json")).out)}
    assert (rows["openai"]["answers"], rows["groq"]["answers"], rows["openrouter"]["answers"]) == (True, False, None)
    assert "OPENROUTER_API_KEY" in rows["openrouter"]["detail"]
    shown = await listing("models", "list")
    assert (shown.code, shown.err) == (0, "")
    assert {line.split()[1]: line[0] for line in shown.out.splitlines()} == {
        name: {True: "✓", False: "✗", None: "·"}[row["answers"]] for name, row in rows.items()
    }


async def test_invalid_key_does_not_hide_the_other_models(beseda: Program) -> None:
    listed = await beseda.with_environ(OPENAI_API_KEY="two words")("models", "list", "--json")
    rows = {row["endpoint"]: row for row in json.loads(listed.out)}
    assert rows["openai"]["answers"] is False
    assert "OPENAI_API_KEY" in rows["openai"]["detail"]
    assert "two words" not in listed.out
    assert len(rows) > 5


async def test_own_model_of_a_bot_is_checked_too(beseda: Program, server: ModelServer) -> None:
    keys = {"HF_TOKEN": "hf_of_the_tests", "HF_BASE_URL": server.base_url, "BESEDA_BOTS": "llama,hf_demo,literary"}
    server.models = [{"id": "meta-llama/Llama-3.1-8B-Instruct"}]
    seen = await beseda.with_environ(**keys, LLAMA_SERVER_URL=AWAY)("doctor", "--json")
    found = find(seen)
    assert seen.code == 1
    assert (found["model"]["ok"], found["model of hf_demo"]["ok"]) == (True, True)
    assert not found["model of llama"]["ok"]
    assert "LLAMA_SERVER_URL says where" in found["model of llama"]["detail"]
    assert "model of literary" not in found


async def test_doctor_and_list_name_a_local_model_and_its_context(beseda: Program) -> None:
    async with running_llama(find_smollm2(), context=2048, slots=4) as url:
        local = beseda.with_environ(
            BESEDA_MODEL="", LLAMA_SERVER_URL=url.removeprefix("http://"), OPENROUTER_API_KEY="sk-or-v1-x"
        )
        found = find(await local("doctor", "--json"))
        listed = await local("models", "list")
    assert found["model"]["ok"]
    assert "SmolLM2-135M-Instruct.Q4_1.gguf" in found["model"]["detail"]
    assert "reads 2,048 tokens" in found["model"]["detail"]
    row = next(line for line in listed.out.splitlines() if " llamacpp " in line)
    assert "SmolLM2-135M-Instruct.Q4_1.gguf" in row and "reads 2,048 tokens" in row


async def test_doctor_reports_a_context_smaller_than_the_instructions(beseda: Program, tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "tiny.gguf")
    async with running_llama(tmp_path / "tiny.gguf", context=512) as url:
        seen = await beseda.with_environ(LLAMA_SERVER_URL=url, BESEDA_BOTS="llama")("doctor", "--json")
    finding = find(seen)["context for llama"]
    assert (seen.code, finding["ok"]) == (1, False)
    assert "the model reads 512 tokens, and the instructions of llama alone take 1," in finding["detail"]
