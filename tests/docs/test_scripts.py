"""What a newcomer meets when the machine lacks something: a sentence that says what to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.source import ROOT

OLD = "#!/bin/sh\ncase $1 in -c) exit 1 ;; esac\necho Python 3.9.2\n"
# Answers as a Python 3.12 without venv and pip would.
BARE = """#!/bin/sh
case "$1$2" in
-c*print*) echo 3.12 ;;
-c*) exit 0 ;;
--version) echo Python 3.12.1 ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """Make a machine that has a shell, a lock, and no Python yet; return its folder of programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "date", "grep", "rm", "id", "ls"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "scripts").mkdir()
    for name in ("install", "install-test-servers"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    (tmp_path / "requirements.lock").write_text("x==1\n")
    return programs


def add_program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def run(programs: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(programs.parent / "scripts" / script), *arguments]
    environ = {**os.environ, "PATH": str(programs), "PYTHON": "python3"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_install_without_python_names_the_needed_version(bare_machine: Path) -> None:
    result = run(bare_machine, "install", "requirements.lock")
    assert result.returncode == 1
    assert "Beseda needs Python 3.11 or newer" in result.stderr


def test_install_with_an_old_python_names_the_needed_version(bare_machine: Path) -> None:
    add_program(bare_machine, "python3", OLD)
    result = run(bare_machine, "install", "requirements.lock")
    assert result.returncode == 1
    assert "Beseda needs Python 3.11 or newer" in result.stderr


def test_install_without_venv_names_the_package(bare_machine: Path) -> None:
    add_program(bare_machine, "python3", BARE)
    result = run(bare_machine, "install", "requirements.lock")
    assert result.returncode == 1
    assert "sudo apt-get install python3.12-venv" in result.stderr
    assert not (bare_machine.parent / ".venv").exists()


def test_missing_test_servers_are_named_if_they_cannot_be_installed(bare_machine: Path) -> None:
    result = run(bare_machine, "install-test-servers")
    assert result.returncode == 0
    assert "Not installed: ffmpeg redis-server" in result.stderr
    assert "sudo apt-get install ffmpeg redis-server" in result.stderr


SHELL = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_script_is_a_program_in_plain_shell(path: Path) -> None:
    assert path.read_text().startswith("#!/bin/sh\n")
    assert os.access(path, os.X_OK)
    assert subprocess.run(["sh", "-n", str(path)], check=False, timeout=10).returncode == 0
