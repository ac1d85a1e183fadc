"""`beseda backup` and `beseda restore`, as a person at a shell uses them beside a running bot."""

import asyncio
import gzip
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program
from tests.parts.postgres import PostgresServer

ANNA, CHRIS, BORIS = (person.id for person in DEFAULT_USERS)
VOICE = (Path(__file__).parents[1] / "samples" / "voice" / "hello.ogg").read_bytes()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


async def _ask(root: str, person: int, *questions: str, bot: str = "assistant_bot") -> None:
    async with SandboxUser(root, person, f"{bot}:{person}") as user:
        for question in questions:
            await user.say(question)
            await user.wait_reply(20)


async def _forget(root: str, person: int) -> None:
    async with SandboxUser(root, person, f"assistant_bot:{person}") as user:
        await user.say("/forget")
        question = await user.wait_reply(20)
        yes = question["reply_markup"]["inline_keyboard"][0][0]
        await user.press(yes["text"])
        await user.wait_for(lambda event: event.get("message", {}).get("message_id") == question["message_id"], 20)


async def _get(url: str, path: str, key: str) -> Any:
    root = url.split("/sandbox", maxsplit=1)[0].rstrip("/")
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{root}/api/v1{path}") as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def _people(program: Program, key: str) -> dict[int, int]:
    """Return how many messages the API shows of each person, as the restored installation knows them."""
    async with program.serve("api") as service:
        found = await _get(service.url, "/conversations", key)
        return {
            item["user_id"]: len((await _get(service.url, f"/conversations/{item['id']}", key))["messages"])
            for item in found["items"]
        }


@pytest.mark.slow
@pytest.mark.parametrize(("source", "kind"), [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite")])
async def test_backup_under_load_is_restored_without_persons_forgotten_since(
    beseda: Program, tmp_path: Path, server: PostgresServer, source: str, kind: str
) -> None:
    if source == "postgresql":
        beseda = beseda.with_environ(DATABASE_URL=server.create_database())
    key = json.loads((await beseda("keys", "create", "crm", "--json")).out)["key"]
    async with beseda.serve("run", "--bot", "assistant", "--sandbox") as service:
        root = service.url.split("/sandbox")[0]
        await _ask(root, ANNA, "Меня зовут Анна", "Запомни это")
        await _ask(root, CHRIS, "I am Chris")
        busy = asyncio.create_task(_ask(root, BORIS, *(f"вопрос {number}" for number in range(2))))
        made = await beseda("backup", "copy.tar.gz", "--json")
        assert made.code == 0, made.err
        await busy
        await _forget(root, ANNA)
    checked = await beseda("restore", "copy.tar.gz", "--check")
    assert checked.code == 0, checked.err
    target = server.create_database() if kind == "postgresql" else f"sqlite:///{tmp_path / 'other.db'}"
    elsewhere = beseda.with_environ(DATABASE_URL=target)
    restored = await elsewhere("restore", "copy.tar.gz", "--json")
    assert restored.code == 0, restored.err
    assert json.loads(restored.out)["forgotten"] == 1
    people = await _people(elsewhere, key)
    assert people.get(ANNA, 0) == 0  # forgetting leaves the number of the conversation
    assert people[CHRIS] == 2
    assert BORIS in people


async def test_restore_refuses_a_database_in_use_and_an_archive_that_is_damaged(
    beseda: Program, tmp_path: Path
) -> None:
    assert (await beseda("keys", "create", "crm")).code == 0
    assert (await beseda("backup", "copy.tar.gz")).code == 0
    refused = await beseda("restore", "copy.tar.gz")
    assert refused.code == 2
    assert "restore into an empty one" in refused.complaint
    whole = (tmp_path / "copy.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.tar.gz").write_bytes(gzip.compress(b"something else"))
    _replace_table(tmp_path / "copy.tar.gz", tmp_path / "changed.tar.gz", b"crm", b"CRM")
    for name, reason in (("cut", "cut off"), ("other", "not made by"), ("changed", "damaged")):
        outcome = await beseda("restore", f"{name}.tar.gz", "--check")
        assert outcome.code == 2
        assert reason in outcome.complaint
    assert (await beseda("restore", "nowhere.tar.gz", "--check")).code == 1


async def test_empty_backup_and_unwritable_target_are_reported(beseda: Program) -> None:
    nothing = await beseda("backup", "copy.tar.gz")
    assert nothing.code == 2
    assert "nothing to back up" in nothing.complaint
    assert (await beseda("db", "upgrade")).code == 0
    nowhere = await beseda("backup", "missing/copy.tar.gz")
    assert nowhere.code == 1
    assert "cannot be written" in nowhere.complaint


async def test_files_come_back_with_their_content(beseda: Program, tmp_path: Path) -> None:
    assert (await beseda("db", "upgrade")).code == 0
    stored = tmp_path / "data" / "files" / "ab" / "1.txt"
    stored.parent.mkdir(parents=True)
    stored.write_text("Текст")
    (tmp_path / "data" / "files" / "ab" / "2.txt").write_text("Текст")
    assert (await beseda("backup", "copy.tar.gz")).code == 0
    with tarfile.open(tmp_path / "copy.tar.gz") as archive:
        assert sum(name.startswith("files/") for name in archive.getnames()) == 1
    elsewhere = beseda.with_environ(STORAGE_DIR="restored")
    assert (await elsewhere("restore", "copy.tar.gz")).code == 0
    texts = {path.name: path.read_text() for path in (tmp_path / "restored" / "files").rglob("*.txt")}
    assert texts == {"1.txt": "Текст", "2.txt": "Текст"}


async def test_list_of_forgotten_people_that_cannot_be_read_stops_the_restore(beseda: Program, tmp_path: Path) -> None:
    assert (await beseda("db", "upgrade")).code == 0
    assert (await beseda("backup", "copy.tar.gz")).code == 0
    (tmp_path / "list.jsonl").write_text("not a line\n")
    outcome = await beseda.with_environ(STORAGE_DIR="restored")("restore", "copy.tar.gz", "--forgotten", "list.jsonl")
    assert outcome.code == 2
    assert "list.jsonl, line 1" in outcome.complaint


def _replace_table(source: Path, target: Path, old: bytes, new: bytes) -> None:
    """Write a copy of an archive in which the table of API keys was changed by hand."""
    with tarfile.open(source) as before, tarfile.open(target, "w:gz") as after:
        for entry in before:
            content = before.extractfile(entry)
            assert content is not None
            data = content.read()
            changed = data.replace(old, new) if entry.name == "tables/api_keys.jsonl" else data
            (folder := target.parent / "part").write_bytes(changed)
            after.add(folder, entry.name)
