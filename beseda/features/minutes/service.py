"""Writing a document: notes on each piece of the text, checked against it, put together, laid out."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import UnreadableTextError
from beseda.features.minutes import asking, prompts
from beseda.features.minutes.layout import write_layout
from beseda.features.minutes.model import Document, DocumentKind
from beseda.features.minutes.notes import Notes, merge_notes, read_notes, read_text
from beseda.features.minutes.source import NumberedText, Passage, estimate
from beseda.llm.base import ChatModel
from beseda.locales import Text
from beseda.speech.transcript import Transcript

_AT_ONCE = 3
_TEXT = "text/plain; charset=utf-8"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_CAPTIONS = {
    DocumentKind.FULL: Text("documents.captions.full"),
    DocumentKind.SUMMARY: Text("documents.captions.summary"),
    DocumentKind.MINUTES: Text("documents.captions.minutes"),
    DocumentKind.TODO: Text("documents.captions.todo"),
    DocumentKind.PROTOCOL: Text("documents.captions.protocol"),
}
_COUNTS = Text("documents.counts")
_DROPPED = Text("documents.dropped")


@dataclass(frozen=True, slots=True)
class DocumentProgress:
    """`done` of `total` requests are answered; `seconds_left` is measured, None before the first."""

    done: int
    total: int
    seconds_left: float | None = None


DocumentListener = Callable[[DocumentProgress], None]


class _Counter:
    """Counts requests for a listener."""

    def __init__(self, clock: Clock, total: int, listener: DocumentListener | None) -> None:
        self._clock, self._total, self._listener = clock, total, listener
        self._started = clock.monotonic()
        self._done = 0
        self._tell(None)

    def count(self) -> None:
        self._done += 1
        elapsed = self._clock.monotonic() - self._started
        self._tell(elapsed / self._done * max(0, self._total - self._done))

    def _tell(self, left: float | None) -> None:
        if self._listener is not None:
            self._listener(DocumentProgress(min(self._done, self._total), self._total, left))


class DocumentService:
    """Writes documents with a model; keeps nothing."""

    def __init__(self, model: ChatModel, *, clock: Clock | None = None, at_once: int = _AT_ONCE) -> None:
        self._model = model
        self._clock = clock or SystemClock()
        self._at_once = at_once

    async def write(
        self,
        kind: DocumentKind,
        transcript: Transcript,
        *,
        language: str = "ru",
        listener: DocumentListener | None = None,
    ) -> Document:
        """Return a document in `language`.

        Every decision and task in it quotes words from the transcript. Facts that the transcript does not state are
        placeholders. Raises RemoteError, and `UnreadableTextError` for a transcript without words.
        """
        source = await asyncio.to_thread(NumberedText, transcript)
        if not source.passages:
            raise UnreadableTextError("a transcript without words")
        notes = await self._take_notes(kind, source, language, listener)
        content = await asyncio.to_thread(_lay_out, kind, notes, source, language)
        suffix, mime = ("docx", _WORD) if kind is DocumentKind.PROTOCOL else ("txt", _TEXT)
        name = f"{kind}-{self._clock.now():%Y-%m-%d-%H%M%S}-{secrets.token_hex(3)}.{suffix}"
        return Document(name, content, mime, _describe(kind, notes, language), notes.title)

    async def _take_notes(
        self, kind: DocumentKind, source: NumberedText, language: str, listener: DocumentListener | None
    ) -> Notes:
        size = await asking.find_chunk_size(self._model)
        chunks = source.chunk(size)
        counter = _Counter(self._clock, len(chunks) + (len(chunks) > 1), listener)
        temperature = prompts.TEMPERATURES[kind]

        async def ask(chunk: Sequence[Passage]) -> Notes:
            messages = prompts.ask_for_notes(kind, language, chunk)
            raw = await asking.ask_patiently(self._model, messages, temperature, self._clock)
            return read_notes(raw, source, chunk)

        async def note(chunk: Sequence[Passage]) -> list[Notes]:
            notes = await asking.ask_of_chunk(ask, chunk)
            counter.count()
            return notes

        told = await asking.run_bounded([partial(note, chunk) for chunk in chunks], self._at_once)
        parts = [notes for some in told for notes in some]
        if len(parts) == 1:
            return merge_notes(parts, parts[0].title, parts[0].overview)
        title, overview = await self._merge(kind, language, [(part.title, part.overview) for part in parts], size)
        counter.count()
        return merge_notes(parts, title, overview)

    async def _merge(
        self, kind: DocumentKind, language: str, parts: Sequence[tuple[str, str]], size: int
    ) -> tuple[str, str]:
        """Return one title and overview of many, in as many rounds as the model's context asks for."""
        while len(parts) > 1:
            merged = []
            for group in _group(parts, size):
                messages = prompts.ask_to_merge(kind, language, group)
                raw = await asking.ask_patiently(self._model, messages, prompts.TEMPERATURES[kind], self._clock)
                merged.append((read_text(raw, "title"), read_text(raw, "overview")))
            parts = merged
        return parts[0]


def _lay_out(kind: DocumentKind, notes: Notes, source: NumberedText, language: str) -> bytes:
    if kind is not DocumentKind.PROTOCOL:
        return write_layout(kind, notes, source, language).encode()
    from beseda.features.minutes.word import write_protocol  # noqa: PLC0415 - only a protocol pays for Word's library

    return write_protocol(notes, source, language)


def _group(parts: Sequence[tuple[str, str]], tokens: int) -> list[list[tuple[str, str]]]:
    """Return overviews in groups of at least two that fit; a last one alone goes with those before it."""
    groups: list[list[tuple[str, str]]] = []
    room = 0
    for part in parts:
        size = estimate(part[0] + part[1])
        if not groups or (size > room and len(groups[-1]) >= 2):
            groups.append([])
            room = tokens
        groups[-1].append(part)
        room -= size
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2] += groups.pop()
    return groups


def _describe(kind: DocumentKind, notes: Notes, language: str) -> str:
    counts = _COUNTS.say(language, decisions=len(notes.decisions), tasks=len(notes.tasks))
    parts = [f"{_CAPTIONS[kind].say(language)} · {counts}."]
    if notes.dropped:
        parts.append(_DROPPED.say(language, number=notes.dropped))
    return " ".join(parts)
