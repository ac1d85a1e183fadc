"""Notes that a model takes on a text, kept only as far as the text supports them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from beseda.features.minutes.source import NumberedText, Passage

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOBODY = re.compile(r"(?i)^(спикер|участник|голос|speaker|voice|participant) ?№?\d{1,2}$")
_LONGEST = {"overview": 4000, "quote": 300}
_TRIES = 40  # braces at which an answer's JSON may begin

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant. The role is empty if the text does not state it."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class DiscussedTopic:
    """A topic of the discussion, beginning at a passage."""

    title: str
    summary: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with its quote, and the result of the vote if the text states it."""

    text: str
    quote: str
    passage: Passage
    votes: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A task. Owner and due date are empty if the text does not state them."""

    text: str
    quote: str
    passage: Passage
    owner: str = ""
    due: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """The content of a document. `dropped` counts decisions and tasks without support in the source."""

    title: str = ""
    overview: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    people: tuple[Participant, ...] = ()
    topics: tuple[DiscussedTopic, ...] = ()
    decisions: tuple[Decision, ...] = ()
    tasks: tuple[Task, ...] = ()
    speakers: Mapping[int, str] = field(default_factory=dict)
    dropped: int = 0


FACTS = ("organisation", "date", "venue", "chair", "secretary")


def find_object(answer: str) -> dict[str, Any] | None:
    """Return the first JSON object in an answer, ignoring any text around it, or None if there is none."""
    decoder = json.JSONDecoder(strict=False)
    for match in list(re.finditer(r"\{", answer))[:_TRIES]:
        try:
            value, _ = decoder.raw_decode(answer, match.start())
        except (json.JSONDecodeError, RecursionError):
            continue
        if isinstance(value, dict) and value:
            return value
    return None


def read_notes(raw: Mapping[str, Any], source: NumberedText, chunk: Sequence[Passage]) -> Notes:
    """Return the parts of a model's notes on a chunk that the source supports."""
    decisions = [_read_decision(row, source, chunk) for row in _rows(raw, "decisions")]
    tasks = [_read_task(row, source, chunk) for row in _rows(raw, "tasks")]
    people = [_read_person(row, source) for row in _rows(raw, "participants")]
    topics = [_read_topic(row, chunk) for row in _rows(raw, "topics")]
    return Notes(
        title=read_text(raw, "title"),
        overview=read_text(raw, "overview"),
        facts={name: value for name in FACTS if (value := _borne_out(raw, name, source))},
        people=tuple(filter(None, people)),
        topics=tuple(filter(None, topics)),
        decisions=tuple(filter(None, decisions)),
        tasks=tuple(filter(None, tasks)),
        speakers=_read_speakers(raw.get("speakers"), source, chunk),
        dropped=decisions.count(None) + tasks.count(None),
    )


def merge_notes(parts: Sequence[Notes], title: str, overview: str) -> Notes:
    """Return the notes of all parts in order, each thing once."""
    facts: dict[str, str] = {}
    speakers: dict[int, str] = {}
    for part in parts:
        facts = {**part.facts, **facts}  # what is said first counts
        speakers |= part.speakers
    return Notes(
        title=title,
        overview=overview,
        facts=facts,
        people=_join_people(person for part in parts for person in part.people),
        topics=tuple(topic for part in parts for topic in part.topics),
        decisions=_once((item for part in parts for item in part.decisions), lambda item: item.text),
        tasks=_once((item for part in parts for item in part.tasks), lambda item: item.text),
        speakers=speakers,
        dropped=sum(part.dropped for part in parts),
    )


def read_text(raw: Mapping[str, Any], name: str) -> str:
    """Return a field as one clean line, or nothing."""
    value = raw.get(name)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return " ".join(_CONTROLS.sub(" ", str(value)).split())[: _LONGEST.get(name, 600)]


def _rows(raw: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = raw.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _borne_out(raw: Mapping[str, Any], name: str, source: NumberedText) -> str:
    value = read_text(raw, name)
    return value if value and source.mentions(value) else ""


def _read_decision(raw: Mapping[str, Any], source: NumberedText, chunk: Sequence[Passage]) -> Decision | None:
    text, quote = read_text(raw, "text"), read_text(raw, "quote")
    passage = source.find(quote, chunk[0])
    return Decision(text, quote, passage, _borne_out(raw, "votes", source)) if text and passage else None


def _read_task(raw: Mapping[str, Any], source: NumberedText, chunk: Sequence[Passage]) -> Task | None:
    text, quote = read_text(raw, "text"), read_text(raw, "quote")
    passage = source.find(quote, chunk[0])
    if not text or passage is None:
        return None
    owner, due = (_borne_out(raw, name, source) for name in ("owner", "due"))
    return Task(text, quote, passage, owner, due, read_text(raw, "category"))


def _read_person(raw: Mapping[str, Any], source: NumberedText) -> Participant | None:
    name = _borne_out(raw, "name", source)
    return Participant(name, _borne_out(raw, "role", source)) if name else None


def _read_topic(raw: Mapping[str, Any], chunk: Sequence[Passage]) -> DiscussedTopic | None:
    title, number = read_text(raw, "title"), read_text(raw, "passage").strip("[]")
    passage = next((passage for passage in chunk if str(passage.number) == number), None)
    return DiscussedTopic(title, read_text(raw, "summary"), passage) if title and passage else None


def _read_speakers(raw: object, source: NumberedText, chunk: Sequence[Passage]) -> dict[int, str]:
    if not isinstance(raw, dict):
        return {}
    names = {str(number): read_text(raw, number) for number in raw}
    known = {number: name for number, name in names.items() if source.mentions(name) or _NOBODY.match(name)}
    return {passage.number: known[str(passage.number)] for passage in chunk if str(passage.number) in known}


def _join_people(people: Iterable[Participant]) -> tuple[Participant, ...]:
    known: dict[str, Participant] = {}
    for person in people:
        before = known.get(person.name.casefold(), person)
        known[person.name.casefold()] = before if before.role else replace(before, role=person.role)
    return tuple(known.values())


def _once(items: Iterable[Item], name: Callable[[Item], str]) -> tuple[Item, ...]:
    known: dict[str, Item] = {}
    for item in items:
        known.setdefault(" ".join(re.findall(r"\w+", name(item).casefold())), item)
    return tuple(known.values())
