"""The clipboard, by the program that this desktop has for it, else by asking the terminal."""

import asyncio
import base64
import shutil
from contextlib import suppress
from typing import IO

# macOS, Wayland, X11, and Windows also from within WSL.
_PROGRAMS = (("pbcopy",), ("wl-copy",), ("xclip", "-selection", "clipboard"), ("clip.exe",))
_LONGEST = 5.0  # seconds: xclip waits for an X server that does not answer


async def copy_text(text: str, terminal: IO[str]) -> bool:
    """Copy `text` to the clipboard. Return True if a program confirmed it, False if only the terminal was asked."""
    for program in _PROGRAMS:
        if shutil.which(program[0]) and await _run(program, text):
            return True
    # OSC 52, as xterm defined it; terminals pass it on through ssh, some only where it is allowed.
    encoded = base64.b64encode(text.encode()).decode()
    if terminal.isatty():
        terminal.write(f"\x1b]52;c;{encoded}\x07")
        terminal.flush()
    return False


async def _run(program: tuple[str, ...], text: str) -> bool:
    nothing = asyncio.subprocess.DEVNULL
    with suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(*program, stdin=-1, stdout=nothing, stderr=nothing)
        try:
            async with asyncio.timeout(_LONGEST):
                await process.communicate(text.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            return False
        return process.returncode == 0
    return False
