"""Telegram's own parser (TDLib through tdjson) as the judge of what we send."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import tdjson

_TYPES = {
    "Bold": "bold",
    "Italic": "italic",
    "Underline": "underline",
    "Strikethrough": "strikethrough",
    "Spoiler": "spoiler",
    "Code": "code",
    "Pre": "pre",
    "PreCode": "pre",
    "TextUrl": "text_link",
    "MentionName": "text_link",
    "BlockQuote": "blockquote",
    "ExpandableBlockQuote": "expandable_blockquote",
    "CustomEmoji": "custom_emoji",
}


class Verdict(NamedTuple):
    """What Telegram read: an error and nothing else, or text and entities as (type, offset, length, language)."""

    error: str
    text: str = ""
    entities: tuple[tuple[str, int, int, str], ...] = ()


def _execute(request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(tdjson.td_execute(json.dumps(request).encode()) or b"{}")
    return answer


# Before anything else, or TDLib writes its log to stderr.
_execute({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})


def judge_html(html: str) -> Verdict:
    """Parse HTML as Telegram does for parse_mode HTML."""
    mode = {"@type": "textParseModeHTML"}
    answer = _execute({"@type": "parseTextEntities", "text": html, "parse_mode": mode})
    if answer["@type"] == "error":
        return Verdict(answer["message"])
    return Verdict("", answer["text"], tuple(sorted(map(_read_entity, answer["entities"]))))


def _read_entity(entity: dict[str, Any]) -> tuple[str, int, int, str]:
    kind = entity["type"]["@type"].removeprefix("textEntityType")
    return _TYPES.get(kind, kind), entity["offset"], entity["length"], entity["type"].get("language", "")
