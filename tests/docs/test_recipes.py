"""The recipes as a reader follows them: their commands run in a checkout, their files written, their tests run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.source import ROOT

RECIPES = sorted(page for page in (ROOT / "docs" / "recipes").glob("add-*.md"))
STEP = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the files of the repository and none of a person."""
    for name in ("beseda", "migrations", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


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


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_recipe_works_for_whoever_follows_it(page: Path, checkout: Path) -> None:
    commands = []
    for step in STEP.finditer(page.read_text(encoding="utf-8")):
        if step["kind"] == "sh":
            for command in step["text"].splitlines():
                done = run(command, checkout)
                assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
                commands.append(command)
        elif step["file"]:
            path = checkout / step["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["text"], encoding="utf-8")
    tests = [path.name for path in checkout.glob("test_*.py")]
    assert tests
    assert [name for name in tests if f"python -m pytest {name}" not in commands] == []


def test_every_recipe_is_in_the_index() -> None:
    index = (ROOT / "docs" / "recipes" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in RECIPES if f"({page.name})" not in index] == []
