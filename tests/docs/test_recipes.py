"""The recipes, followed to the letter: their commands are run, their files written, their tests run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.source import ROOT

RECIPES = sorted(page for page in (ROOT / "docs" / "recipes").glob("add-*.md"))
STEP = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_recipe_works(page: Path, tmp_path: Path) -> None:
    for step in STEP.finditer(page.read_text(encoding="utf-8")):
        if step["kind"] == "sh":
            for line in step["text"].splitlines():
                _run(shlex.split(line, comments=True), tmp_path)
        elif step["file"]:
            path = tmp_path / step["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["text"], encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "import shutil\nfrom pathlib import Path\nimport pytest\n\n"
        "@pytest.fixture(autouse=True)\ndef _with_the_folder(tmp_path: Path) -> None:\n"
        f"    shutil.copytree({str(tmp_path / 'bots')!r}, tmp_path / 'bots')\n"
    )
    _run(["pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), str(tmp_path)], tmp_path)


def test_every_recipe_is_in_the_index() -> None:
    index = (ROOT / "docs" / "recipes" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in RECIPES if f"({page.name})" not in index] == []
