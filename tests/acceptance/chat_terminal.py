"""A program in a pseudo-terminal, driven as a person drives it: wait for words, type, press keys."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.acceptance.program import PROGRAM

CTRL_C, CTRL_D, CTRL_R, TAB, ENTER, ALT_ENTER, DOWN = "\x03", "\x04", "\x12", "\t", "\r", "\x1b\r", "\x1b[B"
_ESCAPE = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\[?][0-9;?<>=]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]")
_CURSOR_ASKED = b"\x1b[6n"


class Terminal:
    """The far end of a pseudo-terminal. `text` is everything that was shown, without colours and movements."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self._master = master
        self._raw = b""
        self._seen = 0
        self._closed = False
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    @property
    def text(self) -> str:
        return _ESCAPE.sub("", self._raw.decode("utf-8", "replace")).replace("\r", "")

    @property
    def raw(self) -> str:
        return self._raw.decode("utf-8", "replace")

    async def expect(self, words: str, *, within: float = 20.0) -> str:
        """Wait until `words` are shown, after what was expected before; return what came up to their end."""
        try:
            async with asyncio.timeout(within):
                while (found := self.text.find(words, self._seen)) < 0:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            shown = f"{self.text[self._seen :]}\n(raw: {self.raw[-500:]!r})"
            raise AssertionError(f"{words!r} is not among:\n{shown}") from None
        start, self._seen = self._seen, found + len(words)
        return self.text[start : self._seen]

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._master, text.encode())

    def send(self, line: str) -> None:
        """Type a line and Enter."""
        self.type(line + ENTER)

    async def wait(self, *, within: float = 20.0) -> int:
        """Return the exit code."""
        async with asyncio.timeout(within):
            return await self.process.wait()

    def close(self) -> None:
        """Close the window."""
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)

    def _read(self) -> None:
        try:
            new = os.read(self._master, 65536)
        except OSError:  # the program has closed its end
            new = b""
        if not new:
            asyncio.get_running_loop().remove_reader(self._master)
        asked = (self._raw[-3:] + new).count(_CURSOR_ASKED)
        self._raw += new
        for _ in range(asked):
            os.write(self._master, b"\x1b[1;1R")
        self._news.set()


@asynccontextmanager
async def open_terminal(
    arguments: Sequence[str], folder: Path, environ: Mapping[str, str], *, columns: int = 100, rows: int = 40
) -> AsyncIterator[Terminal]:
    """Run `beseda` with `arguments` in a terminal of this size; it is killed at the end if it still runs."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *arguments,
        cwd=folder,
        env={"TERM": "xterm-256color", **environ},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C becomes a signal
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        terminal.close()
