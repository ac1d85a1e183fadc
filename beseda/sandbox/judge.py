"""Telegram's own parser (TDLib) says what is a valid text and finds entities; the only file that knows tdjson.

`td_execute` alone is used: no client is created and nothing leaves the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from beseda.sandbox.formatted import FormattedText, clean_text, merge_entities
from beseda.sandbox.refusals import ApiRefusalError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from beseda.sandbox.formatted import Entity

_PLAIN_TYPES = {
    "textEntityTypeBold": "bold",
    "textEntityTypeItalic": "italic",
    "textEntityTypeUnderline": "underline",
    "textEntityTypeStrikethrough": "strikethrough",
    "textEntityTypeSpoiler": "spoiler",
    "textEntityTypeCode": "code",
    "textEntityTypePre": "pre",
    "textEntityTypeBlockQuote": "blockquote",
    "textEntityTypeExpandableBlockQuote": "expandable_blockquote",
    "textEntityTypeMention": "mention",
    "textEntityTypeHashtag": "hashtag",
    "textEntityTypeCashtag": "cashtag",
    "textEntityTypeBotCommand": "bot_command",
    "textEntityTypeUrl": "url",
    "textEntityTypeEmailAddress": "email",
    "textEntityTypePhoneNumber": "phone_number",
    "textEntityTypeBankCardNumber": "bank_card_number",
}
_FOUND_TYPES = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
)
_WRITTEN_TYPES = frozenset(_PLAIN_TYPES.values()) - _FOUND_TYPES
_PARSE_MODES: dict[str, dict[str, Any]] = {
    "markdown": {"@type": "textParseModeMarkdown", "version": 1},
    "markdownv2": {"@type": "textParseModeMarkdown", "version": 2},
    "html": {"@type": "textParseModeHTML"},
}
_MAX_TEXT_BYTES = 1 << 15


class Judge:
    """Parses and completes texts as Telegram's server does; `find_user` knows whom a mention by id may name."""

    def __init__(self, find_user: Callable[[int], dict[str, Any] | None]) -> None:
        # 51 MB, so only a process that starts a sandbox pays for it.
        from tdjson import td_execute  # noqa: PLC0415

        self._td_execute = td_execute
        self._find_user = find_user
        self._execute({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})

    def format(self, text: str, parse_mode: str = "", entities: Any = None) -> FormattedText:
        """Parse, clean, trim and complete a text; raises ApiRefusalError with Telegram's words."""
        if not text:
            return FormattedText("")
        parsed = self._parse(text, parse_mode.lower(), entities)
        cleaned = clean_text(parsed.text, parsed.entities)
        found = self._find_entities(cleaned.text)
        return FormattedText(cleaned.text, merge_entities(cleaned.entities, found))

    def _parse(self, text: str, parse_mode: str, entities: Any) -> FormattedText:
        if len(text.encode("utf-8", "surrogatepass")) > _MAX_TEXT_BYTES:
            raise bad_request("text is too long")
        if not parse_mode or parse_mode == "none":
            return FormattedText(text, self._read_entities(entities))
        if parse_mode not in _PARSE_MODES:
            raise bad_request("unsupported parse_mode")
        answer = self._execute({"@type": "parseTextEntities", "text": text, "parse_mode": _PARSE_MODES[parse_mode]})
        if answer["@type"] == "error":
            raise bad_request(answer["message"])
        return FormattedText(answer["text"], self._convert_all(answer["entities"]))

    def _find_entities(self, text: str) -> list[Entity]:
        answer = self._execute({"@type": "getTextEntities", "text": text})
        return self._convert_all(answer["entities"]) if answer["entities"] else []

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = orjson.loads(self._td_execute(orjson.dumps(request)) or b"{}")
        except TypeError as error:  # a lone surrogate: JSON has no such character
            raise ApiRefusalError(400, "Bad Request: strings must be encoded in UTF-8") from error
        return answer

    def _convert_all(self, entities: list[dict[str, Any]]) -> list[Entity]:
        converted = []
        for entity in entities:
            kind = self._convert_type(entity["type"])
            if kind is not None:
                converted.append({"offset": entity["offset"], "length": entity["length"], **kind})
        return converted

    def _convert_type(self, kind: dict[str, Any]) -> dict[str, Any] | None:
        name = kind["@type"]
        if name in _PLAIN_TYPES:
            return {"type": _PLAIN_TYPES[name]}
        if name == "textEntityTypeMentionName":
            user = self._find_user(kind["user_id"])
            return None if user is None else {"type": "text_mention", "user": user}
        return _describe_rich_type(name, kind)

    def _read_entities(self, entities: Any) -> list[Entity]:
        if not isinstance(entities, list):
            return []
        read = (self._read_entity(entity) for entity in entities)
        return [entity for entity in read if entity is not None]

    def _read_entity(self, entity: Any) -> Entity | None:
        if not isinstance(entity, dict):
            raise bad_request("can't parse MessageEntity: expected an Object")
        kind = _read_field(entity, "type", str)
        place = {"type": kind, **{name: _read_field(entity, name, int) for name in ("offset", "length")}}
        if kind in _FOUND_TYPES or place["length"] <= 0 or place["offset"] < 0:
            return None
        if kind == "text_mention":
            user = self._find_user(_read_field(_read_field(entity, "user", dict), "id", int))
            return None if user is None else {**place, "user": user}
        if kind in {"text_link", "custom_emoji", "date_time"} or kind in _WRITTEN_TYPES:
            needed = {"text_link": "url", "custom_emoji": "custom_emoji_id"}.get(kind)
            if needed:
                _read_field(entity, needed, str)
            extra = ("url", "language", "custom_emoji_id", "unix_time", "date_time_format")
            return {**place, **{name: entity[name] for name in extra if entity.get(name) is not None}}
        raise bad_request("can't parse MessageEntity: Unsupported type specified")


def _read_field(value: dict[str, Any], name: str, kind: type) -> Any:
    found = value.get(name)
    if found is None:
        raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
    if kind is int and isinstance(found, str) and found.lstrip("-").isdecimal():
        return int(found)
    if not isinstance(found, kind) or isinstance(found, bool):
        title = {int: "Number", str: "String", dict: "Object"}[kind]
        raise bad_request(f'can\'t parse MessageEntity: Field "{name}" must be of type {title}')
    return found


def _describe_rich_type(name: str, kind: dict[str, Any]) -> dict[str, Any] | None:
    match name:
        case "textEntityTypePreCode":
            return {"type": "pre", "language": kind["language"]}
        case "textEntityTypeTextUrl":
            return {"type": "text_link", "url": kind["url"]}
        case "textEntityTypeCustomEmoji":
            return {"type": "custom_emoji", "custom_emoji_id": str(kind["custom_emoji_id"])}
        case "textEntityTypeDateTime":
            return {"type": "date_time", "unix_time": kind["unix_time"], **_describe_time_format(kind)}
    return None


def _describe_time_format(kind: dict[str, Any]) -> dict[str, str]:
    formatting = kind.get("formatting_type")
    if formatting is None:
        return {}
    if formatting["@type"] == "dateTimeFormattingTypeRelative":
        return {"date_time_format": "r"}
    letters = "w" if formatting.get("show_day_of_week") else ""
    letters += _pick_precision(formatting.get("date_precision"), "d")
    return {"date_time_format": letters + _pick_precision(formatting.get("time_precision"), "t")}


def _pick_precision(precision: dict[str, Any] | None, letter: str) -> str:
    name = (precision or {}).get("@type", "")
    return {"dateTimePartPrecisionLong": letter.upper(), "dateTimePartPrecisionShort": letter}.get(name, "")
