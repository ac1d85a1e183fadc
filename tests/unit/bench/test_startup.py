"""Commands load what they need and no more: a start is fast because of what is not imported."""

import subprocess
import sys

_RUN = """
import sys
from beseda.cli import main
sys.argv = ["beseda", {arguments}]
try:
    main()
finally:
    print("LOADED", *sorted(name for name in sys.modules if "." not in name))
"""


# Loaded with the first text, calendar file or workbook that needs it.
RARE = {"regex", "tomllib", "icalendar", "xlsxwriter", "docx"}


def run_command(*arguments: str) -> set[str]:
    """Run a command of ours in a process of its own and return the top-level modules it has loaded."""
    code = _RUN.format(arguments=", ".join(map(repr, arguments)))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "LOADED" in run.stdout, run.stderr
    return set(run.stdout.split("LOADED", 1)[1].split())


def test_help_loads_next_to_nothing() -> None:
    loaded = run_command("--help")
    assert "beseda" in loaded
    assert loaded.isdisjoint({"aiogram", "openai", "aiohttp", "fastapi", "pydantic", "sqlalchemy", "asyncio"})
    assert loaded.isdisjoint({"prometheus_client", *RARE})


def test_question_in_the_terminal_does_without_web_and_telegram() -> None:
    loaded = run_command("ask", "--model", "demo", "hello")
    assert "aiohttp" in loaded, "the question was not asked"
    assert loaded.isdisjoint({"aiogram", "openai", "fastapi", "uvicorn", "markdown_it"})


def test_bots_run_without_aiogram() -> None:
    code = "import sys, beseda.cli.process; print(*(name for name in sys.modules if '.' not in name))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "beseda" in run.stdout.split()
    assert set(run.stdout.split()).isdisjoint({"aiogram", "openai", *RARE})
