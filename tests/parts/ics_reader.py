"""A reader of iCalendar files of its own, written from RFC 5545 and not from our writer: the witness in tests."""

import re
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z0-9-]+")
_ESCAPED = {"\\n": "\n", "\\N": "\n", "\\,": ",", "\\;": ";", "\\\\": "\\"}


@dataclass
class Component:
    """A component: its properties in order, each with parameters and value, and the components inside."""

    name: str
    lines: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    inner: list["Component"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        [value] = [value for found, _, value in self.lines if found == name]
        return value

    def parameters(self, name: str) -> dict[str, str]:
        """Return the parameters of a property."""
        [found] = [parameters for found, parameters, _ in self.lines if found == name]
        return found

    def names(self) -> list[str]:
        """Return which properties there are, in order."""
        return [name for name, _, _ in self.lines]


def read_ics(content: bytes) -> Component:
    """Return the one object of a file. Raises AssertionError where it breaks a rule."""
    physical = content.split(b"\r\n")
    assert physical.pop() == b"", "the last line has no end"
    assert all(len(line) <= 75 for line in physical), "a line is over 75 octets"
    assert not any(b"\n" in line or b"\r" in line for line in physical), "a line ends with half a break"
    for line in physical:
        line.decode()  # no letter is cut in two
    logical = content.replace(b"\r\n ", b"").replace(b"\r\n\t", b"").decode().split("\r\n")[:-1]
    stack = [Component("")]
    for text in logical:
        name, parameters, value = _read_line(text)
        if name == "BEGIN":
            stack.append(Component(value))
        elif name == "END":
            done = stack.pop()
            assert done.name == value, f"{value} ends inside {done.name}"
            stack[-1].inner.append(done)
        else:
            stack[-1].lines.append((name, parameters, value))
    [found] = stack.pop().inner
    assert not stack, "something does not end"
    return found


def unescape(text: str) -> str:
    """Return what a TEXT value says."""
    return re.sub(r"\\.", lambda match: _ESCAPED[match.group()], text)


def _read_line(line: str) -> tuple[str, dict[str, str], str]:
    match = _NAME.match(line)
    assert match, f"a line without a name: {line!r}"
    position, parameters = match.end(), {}
    while line[position] == ";":
        end = line.index("=", position)
        name, position = line[position + 1 : end], end + 1
        if line[position] == '"':
            close = line.index('"', position + 1)
            parameters[name], position = line[position + 1 : close], close + 1
        else:
            stop = min(found for found in (line.find(":", position), line.find(";", position)) if found >= 0)
            parameters[name], position = line[position:stop], stop
    assert line[position] == ":", f"no value: {line!r}"
    return match.group().upper(), parameters, line[position + 1 :]
