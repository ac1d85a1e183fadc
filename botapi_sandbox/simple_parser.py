"""A simple parser of texts for systems without tdjson: chats work, but without Telegram's strictness.

HTML becomes entities, Markdown stays as it is written, links and commands are found by simple patterns. The sandbox
reports it as `parser: simple` in `/sandbox/api/state` and in its log.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from botapi_sandbox.entities import read_entities, show_entities
from botapi_sandbox.formatted_text import FormattedText, ParsedText, count_units, drop_hidden, limit_count, trim_text
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.entities import FindUser
    from botapi_sandbox.formatted_text import Entity

_MAX_TEXT_BYTES = 1 << 15
_PARSE_MODES = frozenset({"markdown", "markdownv2", "html"})
_TAGS = {
    "b": "Bold",
    "strong": "Bold",
    "i": "Italic",
    "em": "Italic",
    "u": "Underline",
    "ins": "Underline",
    "s": "Strikethrough",
    "strike": "Strikethrough",
    "del": "Strikethrough",
    "tg-spoiler": "Spoiler",
    "span": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "blockquote": "BlockQuote",
    "a": "TextUrl",
    "tg-emoji": "CustomEmoji",
}
_FOUND = (
    ("BotCommand", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])")),
    ("Mention", re.compile(r"(?<!\w)@[A-Za-z]\w{3,31}(?!\w)", re.ASCII)),
    ("Hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
    ("Url", re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")),
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class SimpleParser:
    """Parses and completes texts without Telegram's library; has the methods of `Judge`."""

    name = "simple"

    def __init__(self, find_user: FindUser) -> None:
        self._find_user = find_user

    def format(self, text: str, parse_mode: str = "", entities: Any = None) -> FormattedText:
        """Parse, trim and complete a text; raises ApiRefusalError."""
        return self.complete(self.parse(text, parse_mode, entities))

    def parse(self, text: str, parse_mode: str, entities: Any) -> ParsedText:
        """Read HTML or the entities given; raises ApiRefusalError for tags that do not fit together."""
        if _SURROGATE.search(text):
            raise bad_request("strings must be encoded in UTF-8")
        if len(text.encode()) > _MAX_TEXT_BYTES:
            raise bad_request("text is too long")
        mode = parse_mode.lower()
        if not mode or mode == "none":
            return ParsedText(text, read_entities(entities, self._find_user))
        if mode not in _PARSE_MODES:
            raise bad_request("unsupported parse_mode")
        if mode != "html":
            return ParsedText(text)
        reader = _HtmlReader()
        reader.feed(text)
        reader.close()
        return reader.finish()

    def complete(self, parsed: ParsedText) -> FormattedText:
        """Trim a text and add the entities found in it; raises ApiRefusalError for entities out of the text."""
        units = count_units(parsed.text)
        for entity in parsed.entities:
            if entity["offset"] < 0 or entity["length"] < 0 or entity["offset"] + entity["length"] > units:
                raise bad_request(f"entity at UTF-16 offset {entity['offset']} is out of the text")
        trimmed = trim_text(parsed.text, [entity for entity in parsed.entities if entity["length"]])
        written = limit_count(trimmed.entities)
        merged = [*written, *drop_hidden(_find_entities(trimmed.text), written)]
        merged.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return FormattedText(trimmed.text, show_entities(merged, self._find_user))

    def find_link_fault(self, url: str) -> str:
        """Return the fault of a link; empty when it is in order."""
        scheme, colon, rest = url.partition("://")
        if colon and scheme.lower() not in {"http", "https", "tg", "ton", "tonsite"}:
            return "Unsupported URL protocol"
        host = (rest if colon else url).split("/")[0]
        return "Wrong HTTP URL" if "." not in host and scheme.lower() in {"http", "https", url.lower()} else ""


def _find_entities(text: str) -> list[Entity]:
    found: list[Entity] = []
    for name, pattern in _FOUND:
        for match in pattern.finditer(text):
            place = _make_entity(name, count_units(text[: match.start()]), count_units(match[0]))
            found.extend([place] if drop_hidden([place], found) else [])
    return found


def _make_entity(name: str, offset: int, length: int, **fields: Any) -> Entity:
    return {"offset": offset, "length": length, "type": {"@type": f"textEntityType{name}", **fields}}


class _HtmlReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[tuple[str, int, dict[str, str]]] = []
        self._entities: list[Entity] = []
        self._units = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise bad_request(f'can\'t parse entities: Unsupported start tag "{tag}"')
        self._open.append((tag, self._units, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise bad_request("can't parse entities: Unmatched end tag")
        _, start, attrs = self._open.pop()
        name, fields = _TAGS[tag], {}
        if name == "TextUrl":
            fields = {"url": attrs.get("href", "")}
        elif name == "CustomEmoji":
            fields = {"custom_emoji_id": attrs.get("emoji-id", "0")}
        if self._units > start and fields.get("url") != "":
            self._entities.append(_make_entity(name, start, self._units - start, **fields))

    def handle_data(self, data: str) -> None:
        self._parts.append(data)
        self._units += count_units(data)

    def finish(self) -> ParsedText:
        """The text and its entities, once all is read."""
        if self._open:
            raise bad_request(
                f"can't parse entities: Can't find end tag corresponding to start tag \"{self._open[-1][0]}\""
            )
        self._entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return ParsedText("".join(self._parts), self._entities)
