"""Write a conversation as a page for a model that extracts facts, and read such a page again.

A page has one line per message. The line of a person has the id of the stored message:

    assistant: How many requests a day?
    quoted in #17: words of another author that the person forwards or replies to
    #17 person: about forty

The list of topics has one line each, `- volume: how much there is (asked as «How many requests a day?»)`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from beseda.core.message import Role

_CUE = "Bring this in: "
_LONGEST_SAID = 4_096  # characters of a person's message that are read: one of Telegram's, whole
_LONGEST_ANSWER = 1_000  # characters of an answer, its end: there stands the question
_LINE = re.compile(r"^(?:#(?P<id>\d+) person|assistant): (?P<text>.*)$")
_TOPIC = re.compile(r"^- (?P<name>\w+): (?P<about>.*?)(?: \(asked as (?P<questions>«.*»)\))?$")
_QUESTION = re.compile(r"«(.*?)»")


@dataclass(frozen=True, slots=True)
class DialogLine:
    """A message of a page. `message_id` is the row it is filed under, `quoted` the words of others in it."""

    message_id: int
    role: Role
    text: str
    quoted: str = ""


@dataclass(frozen=True, slots=True)
class ExtractionTopic:
    """Something to look for, and the questions by which it is asked for."""

    name: str
    about: str
    questions: tuple[str, ...] = ()


def write_page(lines: Iterable[DialogLine]) -> str:
    """Return lines as a page; line breaks within a message become spaces."""
    return "\n".join(map(_write_line, lines))


def read_page(page: str) -> list[DialogLine]:
    """Return the lines of a page; other text is skipped."""
    found = (_LINE.match(line) for line in page.splitlines())
    return [
        DialogLine(int(match["id"] or 0), Role.USER if match["id"] else Role.ASSISTANT, match["text"])
        for match in found
        if match
    ]


def write_topics(topics: Iterable[ExtractionTopic]) -> str:
    """Return the list of topics to look for."""
    return "\n".join(map(_write_topic, topics))


def read_topics(text: str) -> list[ExtractionTopic]:
    """Return the topics of a list, wherever it stands in a text."""
    found = (_TOPIC.match(line) for line in text.splitlines())
    return [ExtractionTopic(m["name"], m["about"], tuple(_QUESTION.findall(m["questions"] or ""))) for m in found if m]


def write_cue(sentence: str) -> str:
    """Return the line of instructions by which a model is given a sentence to bring, in its own words."""
    return f"{_CUE}{' '.join(sentence.split())}"


def read_cues(instructions: str) -> list[str]:
    """Return the sentences that instructions give, in their order."""
    return [line.removeprefix(_CUE) for line in instructions.splitlines() if line.startswith(_CUE)]


def find_line(lines: Sequence[DialogLine], message_id: int, quote: str) -> DialogLine | None:
    """Return the person's line that a quote stands in: the one named, else any other; None for an invented quote."""
    wanted = _squeeze(quote)
    said = [line for line in lines if line.role is Role.USER]
    named = [line for line in said if line.message_id == message_id]
    return next((line for line in (*named, *reversed(said)) if wanted and wanted in _squeeze(line.text)), None)


def _write_line(line: DialogLine) -> str:
    text = " ".join(line.text.split())
    if line.role is Role.USER:
        said = f"#{line.message_id} person: {text[:_LONGEST_SAID]}"
        quoted = " ".join(line.quoted.split())[:_LONGEST_ANSWER]
        return f"quoted in #{line.message_id}: {quoted}\n{said}" if quoted else said
    return f"assistant: {text[-_LONGEST_ANSWER:]}"


def _write_topic(topic: ExtractionTopic) -> str:
    questions = ", ".join(f"«{' '.join(question.split())}»" for question in topic.questions)
    return f"- {topic.name}: {' '.join(topic.about.split())}" + (f" (asked as {questions})" if questions else "")


def _squeeze(text: str) -> str:
    return " ".join(text.split()).casefold()
