"""Errors that nobody foresaw: one line, the place of the log, and an exit code."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.acceptance.program import Program

# Each is a command with a bug, as a fault in our code would be.
BUGS = """
import sys
from beseda.cli import app
from beseda.core.errors import SettingsError, StorageError
from beseda.core.logs import redact

@app.app.command("bug")
def bug(kind: str) -> None:
    redact("hidden-value")
    if kind == "bug":
        raise TypeError("connect() got an unexpected keyword argument with password=hidden-value\\nand a second line")
    if kind == "os":
        raise OSError(5, "Input/output error")
    if kind == "group":
        raise BaseExceptionGroup("tasks", [ValueError("x"), SettingsError("PORT: will not do")])
    if kind == "strange-group":
        raise ExceptionGroup("tasks", [ValueError("x")])
    if kind == "storage-group":
        raise ExceptionGroup("tasks", [ExceptionGroup("inner", [StorageError("the database is away")])])
    raise KeyboardInterrupt

app.main()
"""


async def run_bug(beseda: Program, kind: str) -> tuple[int, str]:
    ended = await beseda("bug", kind, program=(sys.executable, "-c", BUGS))
    assert "Traceback" not in ended.err
    return ended.code, ended.err


@pytest.mark.parametrize(
    ("kind", "words"), [("bug", "TypeError"), ("os", "OSError"), ("strange-group", "ExceptionGroup")]
)
async def test_an_unexpected_error_is_one_line_with_the_place_of_the_log(
    kind: str, words: str, beseda: Program, tmp_path: Path
) -> None:
    code, told = await run_bug(beseda.with_environ(TMPDIR=str(tmp_path)), kind)
    assert (code, told.count("\n")) == (1, 1)
    found = re.fullmatch(rf"beseda: unexpected {words}.*; the log is in (\S+\.log)\n", told)
    assert found is not None, told
    log = await asyncio.to_thread(Path(found[1]).read_text)
    assert "Traceback" in log
    assert "hidden-value" not in log + told


async def test_a_log_that_cannot_be_written_hides_no_error(beseda: Program) -> None:
    code, told = await run_bug(beseda.with_environ(TMPDIR="/proc/1", TMP="/proc/1", TEMP="/proc/1"), "bug")
    assert (code, told.startswith("beseda: unexpected TypeError, ")) == (1, True)


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [
        ("group", 2, "beseda: PORT: will not do\n"),
        ("storage-group", 1, "beseda: the database is away"),
        ("interrupt", 130, ""),
    ],
)
async def test_errors_of_ours_keep_their_code_among_tasks(kind: str, code: int, told: str, beseda: Program) -> None:
    ended, line = await run_bug(beseda, kind)
    assert (ended, line.startswith(told)) == (code, True)
