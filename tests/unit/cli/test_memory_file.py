"""The memory file in the process: what is written, what is beside it, and what a kill in mid-save leaves."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beseda.cli.memory_file import MemoryFile
from beseda.cli.repl.session import SessionMemory, SessionMessage, read_memory, start_session
from beseda.core.errors import BesedaError, SettingsError

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def make_memory(*said: str) -> SessionMemory:
    session = start_session(NOW)
    session.messages = [SessionMessage("user", text, 1) for text in said]
    return SessionMemory([session])


def read(path: Path) -> SessionMemory:
    return read_memory(json.loads(path.read_text("utf-8")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.json"


def test_state_before_the_last_saving_is_the_backup(path: Path) -> None:
    file = MemoryFile(path)
    file.load(NOW)
    for said in ("раз", "два", "три"):
        assert file.save(make_memory(said), NOW) is None
    file.close()
    assert read(path).sessions[0].messages[0].content == "три"
    assert read(path.with_name("memory.json.bak")).sessions[0].messages[0].content == "два"
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["memory.json", "memory.json.bak"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_mode_of_the_file_is_kept(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o640)
    file = MemoryFile(path)
    file.load(NOW)
    file.save(make_memory("раз"), NOW)
    file.close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    target.write_text("{}")
    path.symlink_to(target)
    file = MemoryFile(path)
    file.load(NOW)
    file.save(make_memory("раз"), NOW)
    file.close()
    assert path.is_symlink()
    assert read(target).sessions[0].messages[0].content == "раз"


def test_unknown_fields_survive(path: Path) -> None:
    message = {"role": "user", "content": "hi", "tokens": 1, "mood": "good"}
    known = {"session_id": "a", "updated_at": "2026-01-01T00:00:00Z", "messages": [message], "colour": "red"}
    path.write_text(json.dumps({"schema_version": 3, "sessions": [known], "owner": "me"}))
    file = MemoryFile(path)
    file.save(file.load(NOW).memory, NOW)
    file.close()
    written = json.loads(path.read_text())
    assert (written["owner"], written["sessions"][0]["colour"]) == ("me", "red")
    assert written["sessions"][0]["messages"] == [message]


def test_second_holder_is_refused_until_the_first_is_gone(path: Path) -> None:
    first = MemoryFile(path)
    with pytest.raises(BesedaError, match=r"process \d+"):
        MemoryFile(path)
    MemoryFile(path, read_only=True).close()
    first.close()
    MemoryFile(path).close()


def test_unreadable_files_never_share_a_name(path: Path) -> None:
    for content in ("{", "[", '"'):
        path.write_text(content)
        file = MemoryFile(path)
        file.load(NOW)
        file.close()
    kept = {entry.read_text() for entry in path.parent.glob("memory.json.broken-*")}
    assert kept == {"{", "[", '"'}


def test_unreadable_file_is_an_error_if_nothing_may_be_written(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(SettingsError, match="not JSON"):
        MemoryFile(path, read_only=True).load(NOW)
    assert path.read_text() == "{"


def test_empty_file_is_an_empty_memory(path: Path) -> None:
    path.write_text("\ufeff\n", "utf-8")
    file = MemoryFile(path)
    assert file.load(NOW).memory == SessionMemory()
    file.close()


SAVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from beseda.cli.memory_file import MemoryFile
from beseda.cli.repl.session import SessionMemory, SessionMessage, start_session
now = datetime.now(UTC)
file = MemoryFile(Path(sys.argv[1]))
memory = file.load(now).memory
session = start_session(now)
session.messages = [SessionMessage("user", "слово " * 1000, 1) for _ in range(500)]
memory.sessions = [session]
while True:
    file.save(memory, now)
"""


def wait_until_saving(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Return while a new content is being written beside the old one."""
    deadline = time.monotonic() + 30
    while not (path.exists() and path.with_name(f"{path.name}.tmp").exists()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0)


def test_kill_in_mid_save_leaves_a_whole_file(path: Path) -> None:
    for _ in range(5):
        path.with_name(f"{path.name}.tmp").unlink(missing_ok=True)  # of the one before
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(path)])
        try:
            wait_until_saving(path, process)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        file = MemoryFile(path)
        loaded = file.load(NOW)
        file.close()
        assert (loaded.aside, len(loaded.memory.sessions[0].messages)) == (None, 500)
