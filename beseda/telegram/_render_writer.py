"""Collects text and spans: the pen of the renderer."""

from __future__ import annotations

from beseda.telegram._render_normalize import FormatSpan


class MarkupWriter:
    """Appends text, remembers which part of it is to be formatted, and indents the lines of nested blocks."""

    __slots__ = ("_open", "_parts", "_slots", "length", "prefix")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._slots: list[FormatSpan | None] = []
        self._open: list[tuple[int, str, int, str]] = []
        self.length = 0
        self.prefix = ""

    def write(self, text: str) -> None:
        """Append text without line ends, or text with lines that must not be indented."""
        self._parts.append(text)
        self.length += len(text)

    def write_lines(self, text: str) -> None:
        """Append text; its further lines are indented like the current one."""
        self.write(text.replace("\n", f"\n{self.prefix}") if self.prefix else text)

    def start_line(self, newlines: int, *, indented: bool) -> None:
        """End the line this many times, and begin the next one."""
        self.write("\n" * newlines + (self.prefix if indented else ""))

    def open(self, kind: str, value: str = "") -> None:
        """Begin a span here; a place is kept for it, so that the outer one comes first."""
        self._open.append((len(self._slots), kind, self.length, value))
        self._slots.append(None)

    def close(self, kind: str = "") -> None:
        """End the innermost span here, as another kind if one is given."""
        slot, opened_as, start, value = self._open.pop()
        self._slots[slot] = FormatSpan(kind or opened_as, start, self.length, value)

    def close_link(self) -> None:
        """End a link here; an address that Telegram would not open is written behind the text instead."""
        slot, kind, start, value = self._open.pop()
        if kind:
            self._slots[slot] = FormatSpan(kind, start, self.length, value)
        elif value and self.text_since(start) != value:
            self.write(f" ({value})")

    def add(self, kind: str, text: str, value: str = "") -> None:
        """Append text that is one span."""
        self._slots.append(FormatSpan(kind, self.length, self.length + len(text), value))
        self.write(text)

    def text_since(self, start: int) -> str:
        """Return the text written from this length on."""
        return self.text()[start:]

    def text(self) -> str:
        """Everything written so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def spans(self) -> list[FormatSpan]:
        """All finished spans, outer before inner."""
        return [span for span in self._slots if span is not None]
