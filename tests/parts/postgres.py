"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, on loopback, stopped afterwards."""

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

_OPTIONS = "-c fsync=off -c full_page_writes=off -c listen_addresses=127.0.0.1"
_USER = "beseda"


def require(found: str | None, what: str) -> str:
    """Return `found`, or skip the test with what to install (under CI=true a skip is a failure: tests/conftest.py)."""
    if found:
        return found
    pytest.skip(f"not installed: {what}")


def find_free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PostgresServer:
    """A cluster and the databases made in it."""

    def __init__(self) -> None:
        self._bin = Path(require(_find_binaries(), "PostgreSQL (Debian: apt-get install postgresql)"))
        # Not in pytest's folder: every pytest that starts on this machine closes it to other users, and PostgreSQL
        # runs as one. A socket's path is short, too.
        self._folder = Path(tempfile.mkdtemp(prefix="beseda-postgres-"))
        self._data = self._folder / "data"
        self.port = find_free_port()
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")  # initdb refuses to run as root
        self._run("initdb", "-D", str(self._data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"{_OPTIONS} -p {self.port} -k {self._folder}"
        log = str(self._folder / "server.log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-o", options, "-w", "-t", "30", "start")

    def stop(self, *, mode: str = "immediate") -> None:
        """Stop the server; `immediate` is as good as pulling the plug."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "-t", "30", "stop")

    def close(self) -> None:
        """Stop the server, where it runs, and delete the cluster."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self, template: str = "template0") -> str:
        """Return the URL of a fresh database, a copy of `template`."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Delete a database made by `create_database`."""
        self.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def url(self, name: str) -> str:
        """Return the URL of a database of this cluster."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str) -> None:
        """Run one statement as the owner of the cluster."""
        self._run("psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, "-d", "postgres", "-c", sql)

    def enable_tls(self, certificate: Path) -> None:
        """Have the server speak TLS with the certificate and key of a file."""
        for name in ("server.crt", "server.key"):
            target = self._data / name
            shutil.copyfile(certificate, target)
            target.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(target, "postgres")
        self.execute("ALTER SYSTEM SET ssl = on")
        self.execute("SELECT pg_reload_conf()")

    def load(self, url: str, file: Path) -> None:
        """Run a file of SQL statements in the database at `url`."""
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", str(file))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        if os.geteuid() == 0 and program in {"initdb", "pg_ctl"}:
            command = ["su", "postgres", "-s", "/bin/sh", "-c", shlex.join(command)]
        # Into a file, not a pipe: the server keeps the descriptors of the pg_ctl that started it.
        with tempfile.TemporaryFile() as log:
            done = subprocess.run(command, stdout=log, stderr=log, timeout=60, check=False, cwd=self._folder)
            if done.returncode:
                log.seek(0)
                raise RuntimeError(f"{program} failed: {log.read().decode(errors='replace')[-2000:]}")


def _find_binaries() -> str | None:
    found = shutil.which("initdb")
    if found:
        return str(Path(found).resolve().parent)
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1].parent) if versions else None


def wait_until_listening(port: int, timeout: float = 10.0) -> None:
    """Return once somebody listens on `port` of loopback. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody listens on port {port}") from None
            time.sleep(0.02)  # the condition is another process's
        else:
            return
