"""What `beseda ask` is asked about: an instruction with files and piped text, in any order and encoding."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import PROGRAM, Program
from tests.parts.model_server import ModelServer, Reply

DIFF = "-было\n+стало\n"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def beseda(tmp_path: Path, server: ModelServer) -> Program:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.base_url, "BESEDA_MODEL": "openai:test/served-model"}
    program = Program(tmp_path, environ)
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 2\n")
    (tmp_path / "empty.txt").write_text("")
    return program


def last_question(server: ModelServer) -> str:
    return str(server.requests[-1].body["messages"][-1]["content"])


QUESTIONS = {
    "argument": (["Review this"], DIFF, f"Review this\n\n{DIFF}"),
    "option": (["--text", "Review this"], DIFF, f"Review this\n\n{DIFF}"),
    "file": (["Review this", "--file", "a.py"], "", "Review this\n\na = 1\n"),
    "option-and-file": (["--text", "Review this", "--file", "a.py"], "", "Review this\n\na = 1\n"),
    "files": (["Compare", "--file", "a.py", "--file", "b.py"], "", "Compare\n\na.py:\n\na = 1\n\n\nb.py:\n\nb = 2\n"),
    "all": (["Review", "--file", "a.py"], DIFF, f"Review\n\na.py:\n\na = 1\n\n\nstdin:\n\n{DIFF}"),
    "files-alone": (["--file", "a.py", "--file", "b.py"], "", "a.py:\n\na = 1\n\n\nb.py:\n\nb = 2\n"),
    "file-alone": (["--file", "a.py"], "", "a = 1\n"),
    "file-and-stdin": (["--file", "a.py"], DIFF, f"a.py:\n\na = 1\n\n\nstdin:\n\n{DIFF}"),
    "stdin-alone": ([], DIFF, DIFF),
    "stdin-as-a-file": (["Review", "--file", "-"], DIFF, f"Review\n\n{DIFF}"),
    "empty-stdin": (["Review"], "", "Review"),
    "blank-stdin": (["Review"], "\n", "Review"),
    "empty-file": (["Review", "--file", "empty.txt"], "", "Review"),
    "empty-instruction": (["", "--file", "a.py"], "", "a = 1\n"),
}


@pytest.mark.parametrize(("arguments", "stdin", "question"), QUESTIONS.values(), ids=QUESTIONS)
async def test_text_from_a_pipe_or_a_file_goes_with_the_instruction(
    arguments: list[str], stdin: str, question: str, beseda: Program, server: ModelServer
) -> None:
    asked = await beseda("ask", *arguments, stdin=stdin.encode())
    assert (asked.code, asked.err.count("\n")) == (0, 1)
    assert last_question(server) == question


async def test_a_comparison_is_asked_about_piped_text_too(beseda: Program, server: ModelServer) -> None:
    assert (await beseda("ask", "Review", "--compare", "openai:a,openai:b", stdin=DIFF.encode())).code == 0
    assert last_question(server) == f"Review\n\n{DIFF}"


async def test_two_instructions_are_refused(beseda: Program, server: ModelServer) -> None:
    refused = await beseda("ask", "one", "--text", "two", stdin=DIFF.encode())
    assert (refused.code, "the argument or --text, not both" in refused.complaint) == (2, True)
    assert server.requests == []


async def test_stdin_that_is_never_closed_holds_nothing_up(beseda: Program, server: ModelServer) -> None:
    process = await beseda.spawn("ask", "hi")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.read() != b""
        assert await process.wait() == 0
    assert last_question(server) == "hi"


async def test_a_slow_pipe_is_waited_for(beseda: Program, server: ModelServer) -> None:
    asked = await beseda(program=("/bin/sh", "-c", '(sleep 1; echo diff) | "$0" ask Review', PROGRAM))
    assert asked.code == 0
    assert last_question(server) == "Review\n\ndiff\n"


async def test_text_that_comes_too_late_is_reported_as_not_sent(beseda: Program, server: ModelServer) -> None:
    server.default = Reply(text=["Да"], delay=1.0)
    process = await beseda.spawn("ask", "Review")
    await server.wait_for_request(timeout=25)
    _, err = await asyncio.wait_for(process.communicate(DIFF.encode()), 60)
    assert process.returncode == 1
    assert "was not sent: give --file - to wait for it" in err.decode()
    assert last_question(server) == "Review"


@pytest.mark.parametrize("shell", ['"$0" ask hi </dev/null', '"$0" ask hi <&-', 'true | "$0" ask hi'])
async def test_without_stdin_the_instruction_is_the_question(shell: str, beseda: Program, server: ModelServer) -> None:
    asked = await beseda(program=("/bin/sh", "-c", shell, PROGRAM))
    assert asked.code == 0
    assert last_question(server) == "hi"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["ask hi", "ask hi --json", "chat --new", "doctor", "models list --json"])
async def test_closed_streams_end_no_command(closed: str, command: str, beseda: Program) -> None:
    ended = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", f'"$0" {command} {closed}', PROGRAM],
        cwd=beseda.folder,
        env=beseda.environ,
        input="привет\n".encode() if "<&-" not in closed else None,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode in {0, 1}, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert b"Assertion" not in ended.stderr


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-8-sig"])
async def test_text_in_another_encoding_is_read(encoding: str, beseda: Program, server: ModelServer) -> None:
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю."
    (beseda.folder / "letter.txt").write_bytes(text.encode(encoding))
    assert (await beseda("ask", "Translate", stdin=text.encode(encoding))).code == 0
    assert last_question(server) == f"Translate\n\n{text}"
    assert (await beseda("ask", "--file", "letter.txt")).code == 0
    assert last_question(server) == text


@pytest.mark.parametrize("text", ["Привет, как дела?", "Привет"])
async def test_a_chat_reads_lines_in_windows_1251(text: str, beseda: Program, server: ModelServer) -> None:
    talked = await beseda("chat", "--new", stdin=f"{text}\n".encode("cp1251"))
    assert talked.code == 0
    assert last_question(server) == text


def build_locale(folder: Path) -> dict[str, str]:
    """Return the environment of a terminal in Windows-1251."""
    command = ["localedef", "-i", "ru_RU", "-f", "CP1251", str(folder / "ru_RU.CP1251")]
    subprocess.run(command, check=False, capture_output=True, timeout=60)
    return {"LOCPATH": str(folder), "LC_ALL": "ru_RU.CP1251"}


async def test_a_terminal_in_windows_1251_is_read_and_written_in_its_letters(
    beseda: Program, server: ModelServer, tmp_path: Path
) -> None:
    server.default = Reply(text=["Да, ЯСНО"])
    environ = await asyncio.to_thread(build_locale, tmp_path)
    process = await beseda.with_environ(**environ).spawn(
        "ask", "Переведи".encode("cp1251").decode("ascii", "surrogateescape")
    )
    out, _ = await asyncio.wait_for(process.communicate("ДОМ".encode("cp1251")), 60)
    assert out == "Да, ЯСНО\n".encode("cp1251")
    assert last_question(server).endswith("ДОМ")
