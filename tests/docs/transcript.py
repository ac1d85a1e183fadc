"""Conversations on pages, as quoted lines: read from the page, played in the sandbox, and compared."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from botapi_sandbox import SandboxUser
from scripts.source import ROOT
from tests.parts.waiting import eventually

_LINE = re.compile(r"^> \*\*(?P<name>[^*:]+)(?P<colon>:?)\*\*(?P<text>.*)$")
_YOU = ("You", "Вы")
_BUTTON = re.compile(r"`([^`]+)`")
# Days and hours of appointments are those of the day on which a page was written.
_DAY = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|пн|вт|ср|чт|пт|сб|вс),? \d+ \w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a conversation: words, or buttons that are pressed."""

    is_ours: bool
    text: str
    buttons: tuple[str, ...] = ()


def read_transcript(page: str) -> list[Line]:
    """Return the conversation of a page; its paragraphs are single lines."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [match for line in text.splitlines() if (match := _LINE.match(line))]
    return [
        Line(
            match["name"] in _YOU,
            " ".join(_BUTTON.sub("", match["text"]).split()) if match["colon"] else "",
            tuple(_BUTTON.findall(match["text"])),
        )
        for match in found
    ]


async def play(lines: list[Line], person: SandboxUser) -> None:
    """Say what the person says, press what the person presses, and compare the bot's newest message with the page."""
    for line in lines:
        if not line.is_ours:
            await eventually(partial(_shows, person, line), within=60)
        elif line.text:
            await person.say(line.text)
        for label in line.buttons if line.is_ours else ():
            await eventually(partial(_press, person, label), within=60)


async def _shows(person: SandboxUser, line: Line) -> bool:
    messages = [message for message in await person.history() if message["from"]["is_bot"] and "text" in message]
    if not messages:
        return False
    text, labels = " ".join(messages[-1]["text"].split()), _list_labels(messages[-1])
    shown = [_DAY.sub("DAY", part) for part in (text, *labels)]
    expected = [_DAY.sub("DAY", part) for part in (line.text, *line.buttons)]
    return shown == expected if line.buttons else shown[0] == expected[0]


async def _press(person: SandboxUser, label: str) -> bool:
    offered = [text for message in reversed(await person.history()) for text in _list_labels(message)]
    # The second of the days that are offered: of the first one some hours may be gone.
    fitting = [text for text in offered if _DAY.fullmatch(text)][1:] if _DAY.fullmatch(label) else [label]
    if not fitting or fitting[0] not in offered:
        return False
    await person.press(fitting[0])
    return True


def _list_labels(message: dict[str, Any]) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]
