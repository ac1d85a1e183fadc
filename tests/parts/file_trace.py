"""Runs a bot and lists the files of `beseda` whose code runs between two signals.

With arguments, `beseda` runs as on the command line. Without any, an assistant runs over a scripted model in this
process, and the files of `beseda.testing` do not count.

SIGUSR1 begins a span, SIGUSR2 ends it and writes the list as JSON to the file that `TRACE_FILE` names, under a new name
for each span: `TRACE_FILE.1`, `TRACE_FILE.2`. Code of all threads counts: functions, methods, generators that go on.
"""

import asyncio
import json
import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from beseda.testing.living_bot import account, run_bot
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import RunningSandbox, Sandbox, SandboxSettings

ROOT = Path(__file__).resolve().parents[2]
_OURS = f"{ROOT / 'beseda'}{os.sep}"
_TESTING = f"{_OURS}testing{os.sep}"


class FileTrace:
    """Collects the files of our code that run while it is `open`."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._number = 0
        self._files: set[str] = set()
        self._open = False

    def install(self) -> None:
        """Watch this thread and those that start from here on."""
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        # A module that is imported runs as "<module>": that is the start of a process, not the way of a message.
        if self._open and event == "call" and frame.f_code.co_name != "<module>":
            self._files.add(frame.f_code.co_filename)

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        self._number += 1
        self._files, self._open = set(), True
        self._write("begun", [])

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._open = False
        ours = [name for name in self._files if name.startswith(_OURS) and not name.startswith(_TESTING)]
        self._write("files", sorted(name.removeprefix(_OURS) for name in ours))

    def _write(self, what: str, files: list[str]) -> None:
        path = self._target.with_name(f"{self._target.name}.{self._number}.{what}")
        half = path.with_suffix(".half")
        half.write_text(json.dumps(files))
        half.replace(path)  # a reader finds the whole list or none


async def run_scripted(url: str) -> None:
    """Run the assistant against the sandbox of another process until the process ends."""
    folder = Path.cwd()
    unused = Sandbox(SandboxSettings((account("assistant"),), folder / "sandbox"))
    async with run_bot(folder, ScriptedModel(f"It is {number}." for number in range(100)), RunningSandbox(unused, url)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    FileTrace(Path(os.environ["TRACE_FILE"])).install()
    if sys.argv[1:]:
        runpy.run_module("beseda", run_name="__main__")
    else:
        asyncio.run(run_scripted(os.environ["TELEGRAM_API_URL"]))
