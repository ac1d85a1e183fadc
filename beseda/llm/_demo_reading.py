"""Rules by which the demo fills in forms, so that features built on structured answers can be tried without a model.

The rules read pages of a conversation (`beseda.llm.extraction_prompt`). Each value is quoted from the page word for
word. An unknown form is returned empty.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from beseda.core.message import Role
from beseda.llm._demo_patterns import EVASIVE, NO, OPEN, REQUEST, REVOKES, SIGNALS, SMALL_TALK, VALUES, YES
from beseda.llm.base import ModelRequest
from beseda.llm.extraction_prompt import DialogLine, ExtractionTopic, read_page, read_topics

_SURE, _LIKELY = 0.9, 0.7
_FEW_WORDS = 4
_OF_ONE_FORM = {"phone", "email"}
_NAMES = {"name", "company"}
_PART_OF = {"budget": "phone", "deadline": "volume", "size": "people"}  # digits of one are no value of the other


def fill_in(request: ModelRequest) -> dict[str, object]:
    """Return an object of the request's schema, with the values that the rules find in the page of its last message."""
    schema: Mapping[str, Any] = request.schema or {}
    page = next((message.content for message in reversed(request.messages) if message.role is Role.USER), "")
    system = next((message.content for message in request.messages if message.role is Role.SYSTEM), "")
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties") or {}
    lines, every = read_page(page), read_topics(system)
    said = next((line.text for line in reversed(lines) if line.role is Role.USER), "")
    # What has a field of its own in the form is no topic for its findings.
    topics, own = [one for one in every if one.name not in properties], [one for one in every if one.name in properties]
    word, names = _find_word(said), [topic.name for topic in topics]
    rules: Mapping[str, Callable[[], object]] = {
        "findings": lambda: list(_find(lines, topics)),
        "signals": lambda: _list_signals(said),
        "consent": lambda: _find_consent(said, word, _find_last_question(lines, own)),
        "confirmed": lambda: names if word == "yes" else [],
        "denied": lambda: names if word == "no" else [],
    }
    return {name: rules[name]() if name in rules else _leave_empty(field) for name, field in properties.items()}


def _find_word(said: str) -> str:
    """Return yes, no or none: whole words, and the no in «да нет»."""
    if NO.match(said):
        return "no"
    return "yes" if YES.match(said) else "none"


def _find_consent(said: str, word: str, asked: str) -> str:
    if REVOKES.search(said):
        return "no"
    return word if asked == "consent" else "none"


def _list_signals(said: str) -> list[str]:
    found = [name for name, pattern in SIGNALS.items() if pattern.search(said)]
    if "declines" in found:
        found = ["declines"]
    wordless = not any(map(str.isalpha, said))
    chatting = wordless or (SMALL_TALK.match(said) and len(said.split()) <= _FEW_WORDS)
    return found if chatting else ["on_topic", *found]


def _find(lines: Sequence[DialogLine], topics: Sequence[ExtractionTopic]) -> Iterator[dict[str, object]]:
    """Yield the values recognised by their form, then the answers to questions that name a topic."""
    names, asked = {topic.name for topic in topics}, ""
    for line in lines:
        if line.role is not Role.USER:
            asked = _find_question(line.text, topics) or asked
            continue
        found, rest = _find_values(line.text, names)
        if asked == "people" and "size" in found:
            found[asked] = found.pop("size")
        for name, value in found.items():
            yield _describe(name, value, line, _SURE)
        is_more = asked in OPEN and len(rest.split()) > _FEW_WORDS
        if asked and asked not in found and (not found or is_more) and _is_answer(asked, line.text):
            sure = _SURE if len(line.text.split()) > 1 else _LIKELY
            yield _describe(asked, line.text.strip(" .!"), line, sure)
        asked = ""


def _find_question(text: str, topics: Sequence[ExtractionTopic]) -> str:
    return next((topic.name for topic in topics if any(question in text for question in topic.questions)), "")


def _find_last_question(lines: Sequence[DialogLine], topics: Sequence[ExtractionTopic]) -> str:
    """Return which of the topics the last line answers: one that was asked about right before it."""
    before = [line.text for line in lines[:-1]]
    return _find_question(before[-1], topics) if before and lines[-2].role is not Role.USER else ""


def _find_values(text: str, names: set[str]) -> tuple[dict[str, str], str]:
    """Return the values by topic, and the text without them."""
    matches = {name: match for name, rule in VALUES.items() if name in names and (match := rule.search(text))}
    found = {name: (match[match.lastindex or 0]).strip() for name, match in matches.items()}
    for name, other in _PART_OF.items():
        if name in found and found[name] in found.get(other, ""):
            del found[name]
    rest = text
    for match in matches.values():
        rest = rest.replace(match[0], " ")
    return found, rest


def _is_answer(asked: str, text: str) -> bool:
    if asked in _OF_ONE_FORM or (asked in _NAMES and len(text.split()) > _FEW_WORDS):
        return False
    others = (SMALL_TALK.match(text), EVASIVE.search(text), REQUEST.search(text), _find_word(text) != "none")
    wishes = (SIGNALS[name].search(text) for name in ("wants_consultation", "declines"))
    return any(map(str.isalnum, text)) and not any(others) and not any(wishes)


def _describe(name: str, value: str, line: DialogLine, confidence: float) -> dict[str, object]:
    return {"slot": name, "value": value, "confidence": confidence, "message": line.message_id, "quote": value}


def _leave_empty(field: Mapping[str, Any]) -> object:
    """Return the least value that a field takes."""
    if options := field.get("enum"):
        return options[-1]
    kinds = field.get("type")
    kind = kinds if isinstance(kinds, str) else (kinds or ["null"])[-1]
    if kind == "object":
        properties: Mapping[str, Mapping[str, Any]] = field.get("properties") or {}
        return {name: _leave_empty(inner) for name, inner in properties.items()}
    empty: Mapping[str, object] = {"string": "", "array": [], "boolean": False, "number": 0, "integer": 0}
    return empty.get(kind)
