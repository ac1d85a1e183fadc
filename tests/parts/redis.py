"""A real Redis for tests: a server of its own on loopback, without persistence, stopped afterwards."""

import shutil
import signal
import subprocess
from pathlib import Path

from tests.parts.postgres import find_free_port, require, wait_until_listening


class RedisServer:
    """A redis-server process."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        """With a `certificate`, and its key in the same file, the server speaks TLS."""
        self._binary = require(shutil.which("redis-server"), "Redis (Debian: apt-get install redis-server)")
        self._folder = folder
        self._certificate = certificate
        self.port = find_free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it listens."""
        command = [self._binary, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        if self._certificate is None:
            command += ["--port", str(self.port)]
        else:
            file = str(self._certificate)
            command += ["--bind", "127.0.0.1", "127.0.0.2"]
            command += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
            command += ["--tls-cert-file", file, "--tls-key-file", file]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        wait_until_listening(self.port)

    def pause(self) -> None:
        """Have the server hang: connections stand, nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the server go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill the server; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None
