"""The chat's memory file from outside: what may be there already, who else may be there, and what a kill leaves."""

import json
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from beseda.cli.memory_file import LARGEST
from tests.acceptance.chat_terminal import open_terminal
from tests.acceptance.program import Program
from tests.parts.model_server import CONTEXT_TOO_LONG, ModelServer, Reply, refuse

READY = "Enter sends"
MEMORY = ".chat_memory.json"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def beseda(tmp_path: Path, server: ModelServer) -> Program:
    environ = {"OPENAI_API_KEY": "sk-of-the-tests-12345", "OPENAI_BASE_URL": server.base_url}
    return Program(tmp_path, {**environ, "BESEDA_MODEL": "openai:test/served-model", "BESEDA_LANG": "en"})


def write(path: Path, content: object) -> bytes:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path.read_bytes()


def read(path: Path) -> dict[str, Any]:
    memory: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return memory


async def test_lines_from_a_pipe_are_a_conversation_too(beseda: Program) -> None:
    ended = await beseda("chat", stdin='раз\n"""\nдва\nтри\n"""\n/history\n'.encode())
    assert (ended.code, ended.err) == (0, "")
    assert "user: два\nтри" in ended.out
    assert read(beseda.folder / MEMORY)["sessions"][0]["user_turns"] == 2


async def test_session_has_the_documented_fields(beseda: Program) -> None:
    await beseda("chat", stdin=b"hi\n")
    memory = read(beseda.folder / MEMORY)
    (session,) = memory["sessions"]
    assert list(memory) == ["schema_version", "sessions", "active_session_id"]
    assert (memory["schema_version"], memory["active_session_id"]) == (3, session["session_id"])
    assert list(session) == [
        *("session_id", "created_at", "updated_at", "model_name", "api_base_url", "first_user_message", "title"),
        *("summary", "user_turns", "total_input_tokens", "total_output_tokens", "is_active", "messages"),
    ]
    assert [list(message) for message in session["messages"]] == [["role", "content", "tokens"]] * 2


async def test_environment_stands_above_the_flags(beseda: Program) -> None:
    sessions = [{"session_id": str(n), "updated_at": f"2026-01-0{n}", "summary": f"s{n}"} for n in range(1, 8)]
    write(beseda.folder / "env.json", {"schema_version": 3, "sessions": sessions})
    flags = ["--memory-file", "flag.json", "--session-list-limit", "6"]
    shown = await beseda.with_environ(CHAT_MEMORY_FILE="env.json", CHAT_MEMORY_LIST_LIMIT="2")("chat", *flags)
    assert "(0–2)?" in shown.out
    assert not (beseda.folder / "flag.json").exists()
    (beseda.folder / "env.json").rename(beseda.folder / "flag.json")
    assert "(0–6)?" in (await beseda("chat", *flags)).out
    assert "(0–5)?" in (await beseda("chat", "--memory-file", "flag.json")).out


OLDER = {
    "version-2": {"schema_version": 2, "sessions": [{"session_id": "a", "summary": "о котах", "user_turns": 5}]},
    "no-version": {"sessions": [{"session_id": "a", "summary": "о котах", "title": "коты"}]},
    "single": {"summary": "о котах", "updated_at": "2025-01-01T00:00:00", "user_turns": 5, "mood": "good"},
}


@pytest.mark.parametrize("content", OLDER.values(), ids=OLDER)
async def test_older_shapes_are_read(content: dict[str, Any], beseda: Program, server: ModelServer) -> None:
    old = write(beseda.folder / MEMORY, content)
    ended = await beseda("chat", stdin="1\nпомнишь?\n".encode())
    assert ended.code == 0
    first = server.requests[0].body["messages"][0]
    assert first["role"] == "system" and "о котах" in first["content"]
    memory = read(beseda.folder / MEMORY)
    assert (memory["schema_version"], memory["sessions"][0]["summary"]) == (3, "о котах")
    assert memory["sessions"][0].get("mood") == content.get("mood")
    assert old


UNREADABLE = {
    "newer": (b'{"schema_version": 99, "sessions": []}', "unknown"),
    "cut": (b'{"schema_version": 3, "sess', "broken"),
    "list": (b"[1]", "broken"),
    "foreign": (b'{"name": "package.json"}', "broken"),
    "binary": (b"\xff\x00\x01", "broken"),
    "deep": (b"[" * 100_000, "broken"),
    "odd-session": (b'{"sessions": [1]}', "broken"),
}


@pytest.mark.parametrize(("content", "kind"), UNREADABLE.values(), ids=UNREADABLE)
async def test_file_that_cannot_be_read_is_kept_aside(content: bytes, kind: str, beseda: Program) -> None:
    (beseda.folder / MEMORY).write_bytes(content)
    ended = await beseda("chat", stdin=b"hi\nagain\n")
    assert (ended.code, ended.err) == (0, "")
    (aside,) = beseda.folder.glob(f"{MEMORY}.{kind}-*")
    assert aside.read_bytes() == content
    assert str(aside) in ended.out.replace("\n", "")
    assert {"broken": "is damaged", "unknown": "Another version"}[kind] in ended.out
    assert read(beseda.folder / MEMORY)["sessions"][0]["user_turns"] == 2


async def test_backup_steps_in_for_a_broken_file(beseda: Program) -> None:
    await beseda("chat", stdin="раз\nдва\n".encode())
    (beseda.folder / MEMORY).write_bytes(b"{")
    ended = await beseda("chat", stdin=b"1\n/history\n")
    assert "The backup beside it was used." in ended.out
    assert "user: раз" in ended.out


BAD_FILES = {
    "folder": "is a folder",
    "read-only": "may not be written",
    "200-mb": "more than",
    "fifo": "not an ordinary file",
    "nowhere/memory.json": "there is no folder",
}


@pytest.mark.parametrize(("name", "words"), BAD_FILES.items(), ids=BAD_FILES)
async def test_file_that_cannot_serve_is_refused_in_a_line(name: str, words: str, beseda: Program) -> None:
    path = beseda.folder / name
    if name == "folder":
        path.mkdir()
    elif name == "read-only":
        path.write_text("{}")
        path.chmod(0o444)
    elif name == "200-mb":
        with path.open("wb") as file:
            file.truncate(200_000_000)
    elif name == "fifo":
        os.mkfifo(path)
    ended = await beseda("chat", "--memory-file", name, stdin=b"hi\n")
    assert ended.code == 2
    assert words in ended.complaint and "--memory-file" in ended.complaint
    assert LARGEST < 200_000_000


async def test_second_terminal_is_warned_and_may_look(beseda: Program) -> None:
    await beseda("chat", stdin="раз\n".encode())
    async with open_terminal(["chat", "--new"], beseda.folder, beseda.environ) as terminal:
        await terminal.expect(READY)
        refused = await beseda("chat", stdin=b"hi\n")
        assert refused.code == 1
        assert f"process {terminal.process.pid}" in refused.complaint and "--read-only" in refused.complaint
        before = (beseda.folder / MEMORY).read_bytes()
        looked = await beseda("chat", "--read-only", stdin=b"1\n/history\nhi\n/save\n")
        assert looked.code == 0 and "user: раз" in looked.out
        assert (beseda.folder / MEMORY).read_bytes() == before
        terminal.send("/exit")
        assert await terminal.wait() == 0
    assert (await beseda("chat", stdin=b"0\n")).code == 0
    assert not (beseda.folder / f"{MEMORY}.lock").exists()


async def test_killed_terminal_leaves_the_answer_and_no_lock(beseda: Program) -> None:
    async with open_terminal(["chat"], beseda.folder, beseda.environ) as terminal:
        await terminal.expect(READY)
        terminal.send("до убийства")
        await terminal.expect("tokens in")
        await terminal.expect(READY)
        os.killpg(terminal.process.pid, signal.SIGKILL)
        await terminal.wait()
    ended = await beseda("chat", stdin=b"1\n/history\n")
    assert ended.code == 0 and "user: до убийства" in ended.out


async def test_termination_keeps_the_answer(beseda: Program, server: ModelServer) -> None:
    server.script(Reply(text=["Половина", " ответа"], cut_after=1, hang=True))
    async with open_terminal(["chat"], beseda.folder, beseda.environ) as terminal:
        await terminal.expect(READY)
        terminal.send("вопрос")
        await terminal.expect("Половина")
        terminal.process.terminate()
        assert await terminal.wait() == 143
    messages = read(beseda.folder / MEMORY)["sessions"][0]["messages"]
    assert [(message["content"], message.get("stopped")) for message in messages] == [
        ("вопрос", None),
        ("Половина", True),
    ]


async def test_closed_window_keeps_the_answer(beseda: Program, server: ModelServer) -> None:
    server.script(Reply(text=["Половина", " ответа"], cut_after=1, hang=True))
    async with open_terminal(["chat"], beseda.folder, beseda.environ) as terminal:
        await terminal.expect(READY)
        terminal.send("вопрос")
        await terminal.expect("Половина")
        terminal.close()
        assert await terminal.wait() != 0
    messages = read(beseda.folder / MEMORY)["sessions"][0]["messages"]
    assert [message["content"] for message in messages] == ["вопрос", "Половина"]


async def test_version_of_another_program_is_not_overwritten(beseda: Program) -> None:
    async with open_terminal(["chat"], beseda.folder, beseda.environ, columns=300) as terminal:
        await terminal.expect(READY)
        terminal.send("раз")
        await terminal.expect("tokens in")
        await terminal.expect(READY)
        foreign = write(beseda.folder / MEMORY, {"schema_version": 3, "sessions": []})
        terminal.send("два")
        await terminal.expect("Another program has changed the memory file")
        terminal.send("/exit")
        assert await terminal.wait() == 0
    (aside,) = beseda.folder.glob(f"{MEMORY}.changed-*")
    assert aside.read_bytes() == foreign
    assert read(beseda.folder / MEMORY)["sessions"][0]["user_turns"] == 2


async def test_saving_that_fails_is_reported_and_ends_with_1(beseda: Program) -> None:
    folder = beseda.folder / "gone"
    folder.mkdir()
    async with open_terminal(["chat", "--memory-file", "gone/m.json"], beseda.folder, beseda.environ) as terminal:
        await terminal.expect(READY)
        (folder / "m.json.lock").unlink()
        folder.rmdir()
        terminal.send("вопрос")
        await terminal.expect("Saving failed")
        await terminal.expect(READY)
        terminal.send("/exit")
        await terminal.expect("/exit again leaves without saving")
        terminal.send("/exit")
        assert await terminal.wait() == 1


@pytest.mark.parametrize(
    "reply", [CONTEXT_TOO_LONG["llamacpp"], refuse(401), refuse(402)], ids=["long", "key", "money"]
)
async def test_script_learns_that_a_question_failed(reply: Reply, beseda: Program, server: ModelServer) -> None:
    server.script(reply)
    ended = await beseda("chat", stdin="раз\nдва\n".encode())
    assert ended.code == 1
    assert read(beseda.folder / MEMORY)["sessions"][0]["user_turns"] == 1


async def test_exit_is_understood_at_the_choice_too(beseda: Program) -> None:
    assert (await beseda("chat", stdin=b"hello\n")).code == 0
    ended = await beseda("chat", stdin="/exit\nне вопрос\n".encode())
    assert ended.code == 0
    assert "/exit" not in ended.out.split("0–1")[1] and "tokens in" not in ended.out


async def test_owner_at_the_keyboard_sees_the_reason_itself(beseda: Program, server: ModelServer) -> None:
    server.script(refuse(401), refuse(429, headers={"Retry-After": "90"}))
    ended = await beseda("chat", stdin=b"hello\nhello\n")
    assert "check OPENAI_API_KEY" in ended.out
    assert "owner" not in ended.out
    assert "(again in 90 s)" in ended.out


async def test_resumed_conversation_shows_its_last_messages(beseda: Program) -> None:
    await beseda("chat", stdin="первый вопрос\nпоследний вопрос\n".encode())
    resumed = (await beseda("chat", stdin=b"1\n/exit\n")).out
    first, last = resumed.rindex("первый вопрос"), resumed.index("> последний вопрос")
    assert first < last
    assert resumed[last:].splitlines()[1].strip()


async def test_broken_memory_is_reported_in_one_language(beseda: Program) -> None:
    (beseda.folder / MEMORY).write_bytes(b"{")
    out = (await beseda.with_environ(BESEDA_LANG="ru")("chat", stdin=b"hi\n")).out
    line = next(line for line in out.splitlines() if "повреждён" in line)
    assert not re.search(r"[A-Za-z]{3,} [A-Za-z]{3,}", line.partition(": ")[0])
