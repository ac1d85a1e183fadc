"""Output to the person: an answer as growing Markdown, and the program's messages around it."""

import contextlib
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment
from rich.text import Text as RichText

from beseda.cli.answer import clean_text
from beseda.cli.redraw import RedrawThrottle

_FORMATTED = 6000  # characters of a block that still grows
_FENCES = ("```", "~~~")  # of code, as CommonMark has them: a blank line inside ends no block


class Screen:
    """Prints messages and answers. Into a pipe or a file it prints without colours, and answers as the model wrote
    them.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, markup=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        return self.console.is_terminal

    def say(self, text: str, style: str = "") -> None:
        """Print a line of ours."""
        self.console.print(clean_text(text), style=style or None, soft_wrap=not self.is_terminal)

    def note(self, text: str) -> None:
        """Print something by the way."""
        self.say(text, "dim")

    def warn(self, text: str) -> None:
        """Print something to mind."""
        self.say(text, "yellow")

    def complain(self, text: str) -> None:
        """Print an error message."""
        self.say(text, "red")

    def open_answer(self, waiting: str, in_line: str, loading: str = "") -> "PlainView | MarkdownView":
        """Return a view for the next answer; until its first word `waiting` is shown, `in_line` in a line.

        `loading` is shown while the model is being loaded.
        """
        if not self.is_terminal:
            return PlainView(self.console)
        return MarkdownView(self.console, waiting, in_line, loading)


class PlainView:
    """An answer as the model writes it, for a pipe or a file."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._written = False

    def __enter__(self) -> Self:
        return self

    def show(self, piece: str) -> None:
        self._written = True
        self._console.file.write(piece)
        self._console.file.flush()

    def retract(self) -> None:
        if self._written:
            self.show("\n―\n")

    def wait(self, ahead: int) -> None:
        """Do nothing: a pipe or a file shows no waiting."""

    def __exit__(self, *_: object) -> None:
        if self._written:
            self._console.file.write("\n")
            self._console.file.flush()


class MarkdownView:
    """Prints blocks for good once they are whole; only the last one is drawn again as it grows.

    So an answer of any length scrolls like text, and its end can be drawn anew within the window.
    """

    def __init__(self, console: Console, waiting: str, in_line: str, loading: str) -> None:
        self._console = console
        self._in_line = in_line
        self._loading = loading
        self._rest = ""
        picture = RichText(waiting, style="dim")
        self._live = Live(picture, console=console, auto_refresh=False, transient=True)
        self._pacer = RedrawThrottle(self._draw)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def show(self, piece: str) -> None:
        self._rest += piece
        end = find_whole_blocks(self._rest)
        if end:
            whole, self._rest = self._rest[:end], self._rest[end:]
            self._live.update(_Tail(self._rest))
            self._console.print(_Block(whole))
            self._console.print()
        self._pacer.ask()

    def retract(self) -> None:
        self._rest = ""
        self._console.print("―", style="dim")  # what is above it cannot be taken back
        self._draw()

    def wait(self, ahead: int) -> None:
        text = self._in_line.format(ahead=ahead) if ahead else self._loading
        self._live.update(RichText(text, style="dim"), refresh=True)

    def _draw(self) -> None:
        self._live.update(_Tail(self._rest), refresh=True)

    def __exit__(self, *_: object) -> None:
        self._pacer.stop()
        with contextlib.suppress(OSError):  # the terminal is closed; what was said is kept all the same
            self._live.update(RichText(""))
            self._live.stop()
            if self._rest.strip():
                self._console.print(_Block(self._rest))


class _Block:
    """A whole block without the blank lines that rich puts around lists, tables and code."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(Markdown(self._text), options, pad=False)
        filled = [place for place, line in enumerate(lines) if any(segment.text.strip() for segment in line)]
        for line in lines[filled[0] : filled[-1] + 1] if filled else []:
            yield from line
            yield Segment.line()


class _Tail:
    """The last lines of a text that is still being written: as many as fit."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self._text
        # A block that long is code: to format all of it for each picture would take longer than a picture lasts.
        growing = Markdown(text) if len(text) <= _FORMATTED else RichText(text[-_FORMATTED:])
        lines = console.render_lines(growing, options, pad=False)
        for line in lines[-max(1, console.height - 2) :]:
            yield from line
            yield Segment.line()


def find_whole_blocks(text: str) -> int:
    """Return the start of the last block, which may still grow. The text before it will not change any more."""
    end = position = 0
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = line.strip()[:3]
        if fence:
            fence = "" if mark == fence and not line.strip().strip(fence[0]) else fence
        elif mark in _FENCES:
            fence = mark
        position += len(line)
        # An indented line after a blank one belongs to the list item before it.
        following = text[position : position + 1]
        if not fence and not line.strip() and following not in {"", " ", "\t", "\n"}:
            end = position
    return end
