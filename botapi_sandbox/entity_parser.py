"""Telegram's own parser (TDLib) checks texts and finds entities; the only file that imports tdjson.

`td_execute` alone is used: no client is created and nothing leaves the process.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson

from botapi_sandbox.entities import read_entities, show_entities
from botapi_sandbox.formatted_text import FormattedText, ParsedText, count_units, drop_hidden, limit_count, trim_text
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.simple_parser import SimpleParser

if TYPE_CHECKING:
    from collections.abc import Callable

    from botapi_sandbox.formatted_text import Entity

logger = logging.getLogger(__name__)

_PARSE_MODES: dict[str, dict[str, Any]] = {
    "markdown": {"@type": "textParseModeMarkdown", "version": 1},
    "markdownv2": {"@type": "textParseModeMarkdown", "version": 2},
    "html": {"@type": "textParseModeHTML"},
}
_MAX_TEXT_BYTES = 1 << 15
# What parseMarkdown would take for formatting, and the code points for private use that stand in for it.
_MARKERS = "*_~`|[]()\\"
_PRIVATE_USE = range(0xE000, 0xF8F0, len(_MARKERS))


def load_parser(find_user: Callable[[int], dict[str, Any] | None]) -> EntityParser | SimpleParser:
    """Telegram's parser, or a simple one, with a warning, if its library is missing or does not fit the system."""
    try:
        return EntityParser(find_user)
    except (ImportError, OSError):
        logger.warning("tdjson cannot be loaded: the sandbox reads HTML only and is not as strict as Telegram")
        return SimpleParser(find_user)


class EntityParser:
    """Parses and completes texts as Telegram's server does; `find_user` returns the person with an id."""

    name = "tdlib"

    def __init__(self, find_user: Callable[[int], dict[str, Any] | None]) -> None:
        # 51 MB, so only a process that starts a sandbox pays for it.
        from tdjson import td_execute  # noqa: PLC0415

        self._td_execute = td_execute
        self._find_user = find_user
        self._execute({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})

    def format(self, text: str, parse_mode: str = "", entities: Any = None) -> FormattedText:
        """Parse, clean, trim and complete a text; raises ApiRefusalError with Telegram's words."""
        return self.complete(self.parse(text, parse_mode, entities))

    def parse(self, text: str, parse_mode: str, entities: Any) -> ParsedText:
        """Check the parse mode and the form of entities, as Telegram does while it reads a call."""
        if len(text.encode("utf-8", "surrogatepass")) > _MAX_TEXT_BYTES:
            raise bad_request("text is too long")
        mode = parse_mode.lower()
        if not text or not mode or mode == "none":
            return ParsedText(text, read_entities(entities, self._find_user) if text else [])
        if mode not in _PARSE_MODES:
            raise bad_request("unsupported parse_mode")
        answer = self._check({"@type": "parseTextEntities", "text": text, "parse_mode": _PARSE_MODES[mode]})
        kinds = [(entity, entity["type"]) for entity in answer["entities"]]
        known = [
            entity
            for entity, kind in kinds
            if kind["@type"] != "textEntityTypeMentionName" or self._find_user(kind["user_id"]) is not None
        ]
        return ParsedText(answer["text"], known, is_settled=True)

    def complete(self, parsed: ParsedText) -> FormattedText:
        """Clean, trim and complete a text, as Telegram does once the chat is known; raises ApiRefusalError."""
        if not parsed.text:
            return FormattedText("")
        settled = parsed if parsed.is_settled else self._settle(parsed.text, parsed.entities)
        trimmed = trim_text(settled.text, settled.entities)
        written = limit_count(trimmed.entities)
        found = self._execute({"@type": "getTextEntities", "text": trimmed.text})["entities"] or []
        if found:
            merged = [*written, *drop_hidden(found, written)]
            written = self._split_entities(merged, count_units(trimmed.text))
        return FormattedText(trimmed.text, show_entities(written, self._find_user))

    def find_link_fault(self, url: str) -> str:
        """Return the fault of a link in TDLib's words; empty when it is in order."""
        entity = {
            "@type": "textEntity",
            "offset": 0,
            "length": 1,
            "type": {"@type": "textEntityTypeTextUrl", "url": url},
        }
        answer = self._execute({"@type": "getMarkdownText", "text": _make_text("x", [entity])})
        return str(answer["message"]).rpartition("is invalid: ")[2] if answer["@type"] == "error" else ""

    def _settle(self, text: str, entities: list[Entity]) -> ParsedText:
        """Clean a text and check and sort its entities; raises ApiRefusalError.

        TDLib exports its `fix_formatted_text` with a Markdown parser behind it only. So the text goes there with its
        markers replaced; its refusals count bytes, so they come from the text as it is.
        """
        if entities:
            self._check({"@type": "getMarkdownText", "text": _make_text(text, entities)})
        taken = set(text)
        first = next(start for start in _PRIVATE_USE if taken.isdisjoint(map(chr, range(start, start + len(_MARKERS)))))
        masks = {ord(marker): first + number for number, marker in enumerate(_MARKERS)}
        answer = self._check({"@type": "parseMarkdown", "text": _make_text(text.translate(masks), entities)})
        unmasked = answer["text"].translate({mask: marker for marker, mask in masks.items()})
        return ParsedText(unmasked, answer["entities"], is_settled=True)

    def _split_entities(self, entities: list[Entity], units: int) -> list[Entity]:
        """Sort entities and split them at the borders of others, as TDLib does after it has added found ones.

        TDLib leaves a list that is in order as it is. Two entities at one place behind the text are never in order.
        """
        probe = {"@type": "textEntity", "offset": units + 1, "length": 1, "type": {"@type": "textEntityTypeBold"}}
        text = _make_text("x" * (units + 2), [*entities, probe, probe])
        answer = self._check({"@type": "parseMarkdown", "text": text})
        return [entity for entity in answer["entities"] if entity["offset"] <= units]

    def _check(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._execute(request)
        if answer["@type"] == "error":
            raise bad_request(answer["message"])
        return answer

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = orjson.loads(self._td_execute(orjson.dumps(request)) or b"{}")
        except TypeError as error:  # a lone surrogate: JSON has no such character
            raise ApiRefusalError(400, "Bad Request: strings must be encoded in UTF-8") from error
        return answer


def _make_text(text: str, entities: list[Entity]) -> dict[str, Any]:
    return {"@type": "formattedText", "text": text, "entities": entities}
