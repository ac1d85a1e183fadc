"""The suite itself: it stays on this machine, knows nothing of its person, and skips nothing in CI."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.source import ROOT
from tests.conftest import NetworkReachedError

# TEST-NET-1, a documentation address (RFC 5737): nobody answers there.
OUTSIDE = "192.0.2.1"


def test_connection_to_the_outside_is_an_error() -> None:
    with socket.socket() as connection, pytest.raises(NetworkReachedError):
        connection.connect((OUTSIDE, 80))


def test_name_of_the_outside_is_not_asked_for() -> None:
    with pytest.raises(NetworkReachedError):
        socket.getaddrinfo("example.org", 80)


def test_connection_within_the_machine_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_person_s_settings_are_not_seen() -> None:
    assert [name for name in os.environ if name.startswith("BESEDA_") or name.endswith(("_API_KEY", "BOT_TOKEN"))] == []
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 failed"), ("", "1 skipped")])
def test_test_that_did_not_run_is_a_failure_in_ci(ci: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text("import pytest\ndef test_it() -> None:\n    pytest.skip('no server')\n")
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest"]
    run = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path / "test_sample.py")],
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome in run.stdout
    assert "no server" in run.stdout
