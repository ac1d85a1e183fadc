"""Conversion of entities between the Bot API (#messageentity) and TDLib.

Which fields are needed and the words of the refusals are those of `get_text_entity` in Client.cpp of Telegram's own
Bot API server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from botapi_sandbox.formatted_text import Entity

    FindUser = Callable[[int], dict[str, Any] | None]

_WRITTEN = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "blockquote": "BlockQuote",
    "expandable_blockquote": "ExpandableBlockQuote",
}
_FOUND = {
    "mention": "Mention",
    "hashtag": "Hashtag",
    "cashtag": "Cashtag",
    "bot_command": "BotCommand",
    "url": "Url",
    "email": "EmailAddress",
    "phone_number": "PhoneNumber",
    "bank_card_number": "BankCardNumber",
}
_PLAIN = {name: kind for kind, name in {**_WRITTEN, **_FOUND, "pre": "Pre"}.items()}
_WITH_FIELD = {
    "PreCode": ("pre", "language"),
    "TextUrl": ("text_link", "url"),
    "CustomEmoji": ("custom_emoji", "custom_emoji_id"),
}
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_TIME_LETTERS = frozenset("tTdDwW")


def read_entities(entities: Any, find_user: FindUser) -> list[Entity]:
    """The `entities` of a call as TDLib's; any other value than a list counts as none. Raises ApiRefusalError."""
    if not isinstance(entities, list):
        return []
    read = (_read_entity(entity, find_user) for entity in entities)
    return [entity for entity in read if entity is not None]


def _read_entity(entity: Any, find_user: FindUser) -> Entity | None:
    if not isinstance(entity, dict):
        raise _cannot_parse("expected an Object")
    place = {name: _read_number(entity, name) for name in ("offset", "length")}
    kind = _read_type(entity)
    if kind is None:
        return None
    # A person that the bot's server does not know cannot be mentioned: the words stay, the mention goes.
    if kind["@type"] == "textEntityTypeMentionName" and find_user(kind["user_id"]) is None:
        return None
    return {"@type": "textEntity", **place, "type": kind}


def _read_type(entity: dict[str, Any]) -> dict[str, Any] | None:
    name = _read_text(entity, "type")
    match name:
        case "pre":
            language = _read_text(entity, "language", is_optional=True)
            kind = _describe("PreCode", language=language) if language else _describe("Pre")
        case "text_link":
            kind = _describe("TextUrl", url=_read_text(entity, "url"))
        case "text_mention":
            user = entity.get("user")
            if user is None:
                raise _cannot_parse('Can\'t find field "user"')
            if not isinstance(user, dict):
                raise _cannot_parse('Field "user" must be of type Object')
            kind = _describe("MentionName", user_id=_read_number(user, "id", bits=64))
        case "custom_emoji":
            kind = _describe("CustomEmoji", custom_emoji_id=str(_read_number(entity, "custom_emoji_id", bits=64)))
        case "date_time":
            number = _read_number(entity, "unix_time")
            kind = _describe("DateTime", unix_time=number, formatting_type=_read_time_format(entity))
        case _ if name in _FOUND:
            return None
        case _ if name in _WRITTEN:
            kind = _describe(_WRITTEN[name])
        case _:
            raise _cannot_parse("Unsupported type specified" if name else "Type is not specified")
    return kind


def _describe(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"textEntityType{name}", **fields}


def _read_number(value: dict[str, Any], name: str, *, bits: int = 32) -> int:
    found = value.get(name)
    if found is None:
        raise _cannot_parse(f'Can\'t find field "{name}"')
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        raise _cannot_parse(f'Field "{name}" must be a Number')
    number = int(found) if _NUMBER.fullmatch(str(found)) else 1 << bits
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise _cannot_parse(f'Field "{name}" must be a valid Number')
    return number


def _read_text(value: dict[str, Any], name: str, *, is_optional: bool = False) -> str:
    found = value.get(name)
    if found is None and is_optional:
        return ""
    if found is None:
        raise _cannot_parse(f'Can\'t find field "{name}"')
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        raise _cannot_parse(f'Field "{name}" must be of type String')
    return str(found)


def _read_time_format(entity: dict[str, Any]) -> dict[str, Any] | None:
    letters = _read_text(entity, "date_time_format", is_optional=True)
    if not letters:
        return None
    if letters in {"r", "R"}:
        return {"@type": "dateTimeFormattingTypeRelative"}
    if not _TIME_LETTERS.issuperset(letters):
        raise _cannot_parse("Invalid date-time format specified")
    precision = {
        part: {"@type": f"dateTimePartPrecision{'Long' if letter.isupper() else 'Short'}"}
        for letter in letters
        for part in {"t": ("time_precision",), "d": ("date_precision",)}.get(letter.lower(), ())
    }
    show_day = {"show_day_of_week": True} if "w" in letters.lower() else {}
    return {"@type": "dateTimeFormattingTypeAbsolute", **precision, **show_day}


def _cannot_parse(reason: str) -> Exception:
    return bad_request(f"can't parse MessageEntity: {reason}")


def show_entities(entities: list[Entity], find_user: FindUser) -> list[Entity]:
    """TDLib's entities as the Bot API shows them; types that it does not know are left out."""
    shown = []
    for entity in entities:
        kind = _show_type(entity["type"], find_user)
        if kind is not None:
            shown.append({"offset": entity["offset"], "length": entity["length"], **kind})
    return shown


def _show_type(kind: dict[str, Any], find_user: FindUser) -> dict[str, Any] | None:
    name = kind["@type"].removeprefix("textEntityType")
    if name in _PLAIN:
        return {"type": _PLAIN[name]}
    if name == "MentionName":
        user = find_user(kind["user_id"])
        return None if user is None else {"type": "text_mention", "user": user}
    if name == "DateTime":
        return {"type": "date_time", "unix_time": kind["unix_time"], **_show_time_format(kind)}
    if name in _WITH_FIELD:
        shown, field = _WITH_FIELD[name]
        return {"type": shown, field: str(kind[field])}
    return None


def _show_time_format(kind: dict[str, Any]) -> dict[str, str]:
    formatting = kind.get("formatting_type")
    if formatting is None:
        return {}
    if formatting["@type"] == "dateTimeFormattingTypeRelative":
        return {"date_time_format": "r"}
    letters = "w" if formatting.get("show_day_of_week") else ""
    letters += _show_precision(formatting.get("date_precision"), "d")
    return {"date_time_format": letters + _show_precision(formatting.get("time_precision"), "t")}


def _show_precision(precision: dict[str, Any] | None, letter: str) -> str:
    name = (precision or {}).get("@type", "")
    return {"dateTimePartPrecisionLong": letter.upper(), "dateTimePartPrecisionShort": letter}.get(name, "")
