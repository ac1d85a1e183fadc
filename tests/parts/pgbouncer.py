"""PgBouncer before a PostgreSQL of the tests: a pooler in transaction mode, as providers run it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.postgres import find_free_port, require, wait_until_listening


@contextmanager
def run_pgbouncer(postgres_port: int) -> Iterator[int]:
    """Run it for the length of the block and yield its port. It has two connections to the server."""
    program = require(shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin"), "PgBouncer")
    port = find_free_port()
    folder = Path(tempfile.mkdtemp(prefix="beseda-pgbouncer-"))
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={postgres_port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nserver_round_robin = 1\n"
    )
    (folder / "users").write_text('"beseda" ""\n')
    user = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres")
        for file in folder.iterdir():
            shutil.chown(file, "postgres")
        user = ["-u", "postgres"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *user, str(settings)], stdout=log, stderr=log, cwd=folder)
    try:
        wait_until_listening(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
