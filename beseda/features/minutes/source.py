"""The source text of a document, in numbered passages that can be searched for a quote or a name."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from beseda.locales import Text
from beseda.speech.transcript import Transcript, format_time

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_ELISION = re.compile(r"\.{3}|…|\[…\]")
_PAUSE = 2.0  # seconds of silence that end a passage
_LONGEST = 800  # characters of a passage
_GOOD = 400  # characters after which the next pause of any length ends it
_PARAGRAPH = Text("documents.paragraph")


@dataclass(frozen=True, slots=True)
class Passage:
    """A few sentences. `start` is their time in the recording in seconds, None for written text."""

    number: int
    text: str
    start: float | None = None

    def place(self, language: str) -> str:
        """Return the position for readers: a time, or a paragraph number for written text."""
        return _PARAGRAPH.say(language, number=self.number) if self.start is None else format_time(self.start)


class NumberedText:
    """The passages of a transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        parts = list(_by_pauses(transcript) if transcript.segments else _by_paragraphs(transcript.text))
        self.passages = [Passage(number, text, start) for number, (text, start) in enumerate(parts, 1)]
        texts = [_normalise(passage.text) for passage in self.passages]
        self._offsets: list[int] = []
        offset = 0
        for text in texts:
            self._offsets.append(offset)
            offset += len(text) + 1
        self._text = f" {' '.join(texts)} "
        words = set(self._text.split())
        self._stems = {word[:length] for word in words for length in range(_shortest(word), len(word) + 1)}

    def find(self, quote: str, near: Passage | None = None) -> Passage | None:
        """Return the passage in which a quote begins, or None if the source does not contain it word for word.

        The search starts at `near` and then covers the whole text. If the quote has omissions (…), every piece of it
        must be in the source. A quote of fewer than 8 letters is never found.
        """
        pieces = [piece for piece in map(_normalise, _ELISION.split(quote)) if piece]
        if not pieces or sum(map(len, pieces)) < 8:
            return None  # so little may stand anywhere
        begin = self._offsets[near.number - 1] if near is not None else 0
        places = [self._look_up(f" {piece} ", begin) for piece in pieces]
        if min(places) < 0:
            return None
        return self.passages[max(0, bisect_right(self._offsets, places[0]) - 1)]

    def _look_up(self, words: str, begin: int) -> int:
        place = self._text.find(words, begin)
        return place if place >= 0 else self._text.find(words)

    def mentions(self, value: str) -> bool:
        """Return whether every word of a name, a date or the like occurs here, in whatever case it is declined."""
        words = _normalise(value).split()
        telling = [word for word in words if len(word) >= 3 or word.isdigit()] or words
        return bool(telling) and all(_stem(word) in self._stems for word in telling)

    def chunk(self, tokens: int) -> list[list[Passage]]:
        """Return the passages in pieces of about so many tokens, none cut."""
        chunks: list[list[Passage]] = []
        room = 0
        for passage in self.passages:
            size = estimate(passage.text) + 4
            if not chunks or size > room:
                chunks.append([])
                room = tokens
            chunks[-1].append(passage)
            room -= size
        return chunks


def estimate(text: str) -> int:
    """Return about how many tokens a text has, rather too many.

    Measured with a vocabulary of 100,000: 2.3 letters a token in Russian (4.6 bytes), 5.4 in English.
    """
    return len(text.encode(errors="replace")) // 4 + 1


def _normalise(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold().replace("ё", "е")))


def _stem(word: str) -> str:
    return word if word.isdigit() else word[: max(min(3, len(word)), len(word) - 2)]


def _shortest(word: str) -> int:
    """Return how much of a word stays whatever its ending: "Петрова" is no "Пётр"."""
    return len(word) if word.isdigit() else max(min(3, len(word)), len(word) - 3)


def _by_pauses(transcript: Transcript) -> Iterator[tuple[str, float]]:
    words: list[str] = []
    start = end = 0.0
    for segment in transcript.segments:
        length = sum(map(len, words))
        breaks = segment.start - end >= _PAUSE or length >= _GOOD
        if words and (breaks or length + len(segment.text) > _LONGEST):
            yield " ".join(words), start
            words = []
        if not words:
            start = segment.start
        words += segment.text.split()
        end = segment.end
    if words:
        yield " ".join(words), start


def _by_paragraphs(text: str) -> Iterator[tuple[str, None]]:
    for paragraph in filter(None, map(str.strip, text.splitlines())):
        for part in _cut(paragraph):
            yield part, None


def _cut(paragraph: str) -> Sequence[str]:
    """Return a paragraph in pieces that are not too long: by sentences, else by words, else anywhere."""
    pieces: list[str] = [""]
    for sentence in _SENTENCE.split(paragraph):
        for word in [sentence] if len(sentence) <= _LONGEST else sentence.split():
            for start in range(0, len(word), _LONGEST):
                part = word[start : start + _LONGEST]
                if pieces[-1] and len(pieces[-1]) + len(part) >= _LONGEST:
                    pieces.append("")
                pieces[-1] = f"{pieces[-1]} {part}".strip()
    return pieces
