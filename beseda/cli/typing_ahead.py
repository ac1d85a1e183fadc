"""Keys pressed while something is printed: the terminal neither shows nor loses them."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def hide_typing() -> Iterator[None]:
    """Switch the terminal's echo off for the length of the block.

    An echoed key, and `^C` is one, moves the cursor, so that a redrawn picture appears twice on the screen. Ctrl-C
    remains a signal and, by NOFLSH, leaves typed text for the next reader (termios(3)).
    """
    stdin: TextIO | None = sys.stdin  # None if the shell has closed it
    try:
        import termios
    except ImportError:  # Windows echoes nothing between two reads
        yield
        return
    if stdin is None or not stdin.isatty() or os.tcgetpgrp(stdin.fileno()) != os.getpgrp():
        yield  # no keyboard; and a background process that changes the terminal would be stopped
        return
    descriptor = stdin.fileno()
    before = termios.tcgetattr(descriptor)
    hidden = termios.tcgetattr(descriptor)
    hidden[3] = (hidden[3] & ~termios.ECHO) | termios.NOFLSH
    termios.tcsetattr(descriptor, termios.TCSANOW, hidden)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the window is closed
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
