"""The first screen of both READMEs, and the page about bots of one's own as a reader follows it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.source import ROOT

READMES = ("README.md", "README.ru.md")
SERVING = ("make run", "beseda run")


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a page in a shell whose virtual environment is active."""
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", READMES)
def test_commands_and_a_conversation_come_before_any_table(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    start, picture, talk = text.index("make run"), text.index("\n!["), text.index("\n> **")
    table = text.index("\n|")
    assert start < picture < talk < table
    assert text[:table].count("\n") < 60
    assert "RAG" in text[:table], "limits are named"


@pytest.mark.parametrize("name", READMES)
def test_no_figure_about_other_bots_stands_without_its_source(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert re.findall(r"\d+ ?%", text) == []


def test_own_bot_page_works_in_order(tmp_path: Path) -> None:
    for name in ("migrations", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    # The page copies a folder of the checkout, so that this one is real.
    shutil.copytree(ROOT / "beseda" / "bots" / "assistant", tmp_path / "beseda" / "bots" / "assistant")
    page = (ROOT / "docs" / "how-to" / "own-bot.md").read_text("utf-8")
    commands = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if not line.startswith(SERVING) and not re.match(r"[A-Z_]+=", line)
    ]
    assert commands[0] == "beseda bots new concierge"
    for command in commands:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    shown = run("beseda bots list", tmp_path).stdout
    assert re.search(r"^concierge .*bots/concierge$", shown, re.MULTILINE)
    assert re.search(r"^assistant .* bots/assistant$", shown, re.MULTILINE)
