"""The words of a document that are ours, in both languages."""

from typing import Final

from beseda.features.minutes.notes import Decision, Notes, Task
from beseda.locales import Text
from beseda.speech.transcript import Transcript, format_time

UNKNOWN: Final = Text("documents.unknown")
PEOPLE: Final = Text("documents.people")
DECISIONS: Final = Text("documents.decisions")
TASKS: Final = Text("documents.tasks")
NONE: Final = Text("documents.none")
_LENGTH = Text("documents.length")
_MISSED = Text("documents.missed")
_OWNER = Text("documents.owner")
_DUE = Text("documents.due")
_VOTES = Text("documents.votes")
_QUOTE = Text("documents.quote")


class Wording:
    """Formats the parts of a document in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def say(self, text: Text, **fields: object) -> str:
        """Return one of our texts."""
        return text.say(self.language, **fields)

    def known(self, value: str) -> str:
        """Return a value, or the placeholder if it is empty."""
        return value or self.say(UNKNOWN)

    def people(self, notes: Notes) -> list[str]:
        """Return the participants, one per line."""
        return [f"{person.name} — {self.known(person.role)}" for person in notes.people] or [self.say(UNKNOWN)]

    def quote(self, item: Decision | Task, longest: int = 300) -> str:
        """Return the quote that supports a decision or a task, with its position."""
        words = item.quote if len(item.quote) <= longest else f"{item.quote[:longest].rsplit(' ', 1)[0]}…"
        return self.say(_QUOTE, quote=words.strip('«»"“” '), place=item.passage.place(self.language))

    def duty(self, task: Task) -> str:
        """Return the owner and the due date of a task."""
        return f"{self.say(_OWNER, owner=self.known(task.owner))}; {self.say(_DUE, due=self.known(task.due))}"

    def votes(self, decision: Decision) -> str:
        """Return how the votes fell."""
        return self.say(_VOTES, votes=self.known(decision.votes))

    def origin(self, transcript: Transcript) -> list[str]:
        """Return the known facts about the recording itself, one per line."""
        lines = []
        if transcript.seconds:
            lines.append(self.say(_LENGTH, length=format_time(transcript.seconds)))
        if transcript.missed:
            places = ", ".join(f"{format_time(gap.start)}–{format_time(gap.end)}" for gap in transcript.missed)
            lines.append(self.say(_MISSED, places=places))
        return lines
