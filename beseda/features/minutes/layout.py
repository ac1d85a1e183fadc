"""Documents as plain text."""

import re
from collections.abc import Callable, Mapping
from itertools import groupby

from beseda.features.minutes.model import DocumentKind
from beseda.features.minutes.notes import Notes, Task
from beseda.features.minutes.source import NumberedText
from beseda.features.minutes.wording import DECISIONS, NONE, PEOPLE, TASKS, Wording
from beseda.locales import Text

_FULL = Text("documents.full")
_SUMMARY = Text("documents.summary")
_MINUTES = Text("documents.minutes")
_TODO = Text("documents.todo")
_OUTCOME = Text("documents.outcome")
_DISCUSSION = Text("documents.discussion")
_OTHER = Text("documents.other")
_MORE = Text("documents.more")
_PAGE, _LINES = 1400, 7  # characters of overview and entries of each list that fit on one page
# Sounds that are no words. "Ну" and "well" may mean something: they stay.
_FILLER = re.compile(r"(?i)(?<![\w-])(?:э+-?э+м*|э+м+|м-?м+|а-а+|у?гм|хм+|uh+|um+|erm*|hmm+|mhm)(?![\w-])[,…]?\s*")


def write_layout(kind: DocumentKind, notes: Notes, source: NumberedText, language: str) -> str:
    """Return the text of a document."""
    return _WRITERS[kind](notes, source, Wording(language)).strip() + "\n"


def clean_speech(text: str) -> str:
    """Return speech without sounds that are no words; a sentence that began with one gets its capital."""
    cleaned = _FILLER.sub("", text).strip(" ,")
    if cleaned and cleaned[0] != text.strip()[0] and text.strip()[0].isupper():
        cleaned = cleaned[0].upper() + cleaned[1:]
    return re.sub(r"\s+([,.!?…])", r"\1", cleaned)


def _head(title: Text, notes: Notes, source: NumberedText, wording: Wording) -> str:
    name = f"{wording.say(title)}: {notes.title}" if notes.title else wording.say(title)
    return "\n".join([name.upper(), *wording.origin(source.transcript)])


def _section(name: str, lines: list[str]) -> str:
    return "\n".join(["", name.upper(), *lines])


def _write_full(notes: Notes, source: NumberedText, wording: Wording) -> str:
    parts = [_head(_FULL, notes, source, wording)]
    parts.append(_section(wording.say(PEOPLE), [f"— {line}" for line in wording.people(notes)]))
    topics = {topic.passage.number: topic.title for topic in reversed(notes.topics)}
    speaker = ""
    for passage in source.passages:
        if title := topics.get(passage.number):
            parts.append(f"\n=== {title} ===")
            speaker = ""
        now = notes.speakers.get(passage.number, "")
        name = f"{now}: " if now and now != speaker else ""
        speaker = now or speaker
        if text := clean_speech(passage.text):
            parts.append(f"\n[{passage.place(wording.language)}] {name}{text}")
    parts.append(_section(wording.say(_OUTCOME), []))
    return "\n".join([*parts, _list_decisions(notes, wording), _list_tasks(notes, wording)])


def _write_summary(notes: Notes, source: NumberedText, wording: Wording) -> str:
    overview = notes.overview
    if len(overview) > _PAGE:
        overview = overview[:_PAGE].rsplit(". ", 1)[0].rstrip(".") + "."
    decisions = [f"{number}. {item.text} {wording.quote(item, 60)}" for number, item in enumerate(notes.decisions, 1)]
    tasks = [
        f"{number}. {item.text} ({wording.duty(item)}) {wording.quote(item, 60)}"
        for number, item in enumerate(notes.tasks, 1)
    ]
    return "\n".join(
        [
            _head(_SUMMARY, notes, source, wording),
            "",
            wording.known(overview),
            _section(wording.say(DECISIONS), _shorten(decisions, wording)),
            _section(wording.say(TASKS), _shorten(tasks, wording)),
        ]
    )


def _write_minutes(notes: Notes, source: NumberedText, wording: Wording) -> str:
    topics = [
        f"{number}. {topic.title} [{topic.passage.place(wording.language)}]. {topic.summary}".rstrip()
        for number, topic in enumerate(notes.topics, 1)
    ]
    return "\n".join(
        [
            _head(_MINUTES, notes, source, wording),
            _section(wording.say(PEOPLE), [f"— {line}" for line in wording.people(notes)]),
            _list_decisions(notes, wording),
            _list_tasks(notes, wording),
            _section(wording.say(_DISCUSSION), [wording.known(notes.overview), *topics]),
        ]
    )


def _write_todo(notes: Notes, source: NumberedText, wording: Wording) -> str:
    parts = [_head(_TODO, notes, source, wording)]
    if not notes.tasks:
        parts += ["", wording.say(NONE)]

    def category(task: Task) -> str:
        return task.category.strip().capitalize()

    # Those without a category come last.
    for name, tasks in groupby(sorted(notes.tasks, key=lambda task: (not task.category, category(task))), category):
        lines = [
            line for task in tasks for line in (f"☐ {task.text} — {wording.duty(task)}", f"   {wording.quote(task)}")
        ]
        parts.append(_section(name or wording.say(_OTHER), lines))
    return "\n".join(parts)


def _list_decisions(notes: Notes, wording: Wording) -> str:
    lines = [
        line
        for number, item in enumerate(notes.decisions, 1)
        for line in (f"{number}. {item.text}", f"   {wording.quote(item)}")
    ]
    return _section(wording.say(DECISIONS), lines or [wording.say(NONE)])


def _list_tasks(notes: Notes, wording: Wording) -> str:
    lines = [
        line
        for number, item in enumerate(notes.tasks, 1)
        for line in (f"{number}. {item.text} — {wording.duty(item)}", f"   {wording.quote(item)}")
    ]
    return _section(wording.say(TASKS), lines or [wording.say(NONE)])


def _shorten(lines: list[str], wording: Wording) -> list[str]:
    if not lines:
        return [wording.say(NONE)]
    more = len(lines) - _LINES
    return [*lines[:_LINES], wording.say(_MORE, number=more)] if more > 0 else lines


_WRITERS: Mapping[DocumentKind, Callable[[Notes, NumberedText, Wording], str]] = {
    DocumentKind.FULL: _write_full,
    DocumentKind.SUMMARY: _write_summary,
    DocumentKind.MINUTES: _write_minutes,
    DocumentKind.TODO: _write_todo,
}
