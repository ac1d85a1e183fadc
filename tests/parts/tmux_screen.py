"""A terminal window played by tmux: what a person sees, after every movement of the cursor."""

import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.parts.postgres import require

_NAME = "screen"


class Screen:
    """One window. Its calls block: they take milliseconds."""

    def __init__(self, socket: Path, program: str) -> None:
        self._command = [program, "-S", str(socket), "-f", "/dev/null"]

    def start(self, command: str, folder: Path, environ: Mapping[str, str], *, columns: int, rows: int) -> None:
        """Open the window with a command of the shell."""
        size = ["-x", str(columns), "-y", str(rows)]
        given = [f"{name}={value}" for name, value in environ.items()]
        started = shlex.join(["env", "-i", "TERM=screen-256color", *given, "sh", "-c", command])
        self._run("new-session", "-d", "-s", _NAME, "-c", str(folder), *size, started)

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        self._run("send-keys", "-t", _NAME, "-l", text)

    def press(self, key: str) -> None:
        """Press a key by tmux's name for it: Enter, C-c."""
        self._run("send-keys", "-t", _NAME, key)

    @property
    def text(self) -> str:
        """All that stands in the window and above it, lines joined that were wrapped."""
        return self._run("capture-pane", "-p", "-J", "-S", "-", "-t", _NAME)

    def wait_for(self, words: str, *, within: float = 20.0) -> str:
        """Return the text once `words` stand in it."""
        deadline = time.monotonic() + within
        while words not in (shown := self.text):
            if time.monotonic() > deadline:
                raise AssertionError(f"{words!r} is not on the screen:\n{shown}")
            time.sleep(0.05)
        return shown

    def close(self) -> None:
        """Close the window and end what runs in it."""
        subprocess.run([*self._command, "kill-server"], capture_output=True, timeout=20, check=False)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout


@contextmanager
def open_screen(
    command: str, folder: Path, environ: Mapping[str, str], *, columns: int = 60, rows: int = 30
) -> Iterator[Screen]:
    """Run a command of the shell in a window for the length of the block."""
    screen = Screen(folder / "tmux.socket", require(shutil.which("tmux"), "tmux (Debian: apt-get install tmux)"))
    screen.start(command, folder, environ, columns=columns, rows=rows)
    try:
        yield screen
    finally:
        screen.close()
