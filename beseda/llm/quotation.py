"""Words of others in a person's message: marked line by line, so that they never pass for the person's own.

    > Борис: Der Zug fällt heute aus        a quotation: the message that was replied to, or a forwarded one
    > [photo: you cannot see it]            a part of the message that no model has looked at
    переведи                                the person's own words

The marks are part of the stored text. Lines that a person begins with `>` are quotations by the same rule.
"""

import re
import unicodedata
from dataclasses import dataclass

from beseda.locales import Text

LONGEST_NAME = 64
"""Characters of a name that is written into a prompt."""

LONGEST_QUOTE = 8_192
"""Characters of one quotation: two of Telegram's longest messages."""

_MARK = ">"
_UNSEEN = re.compile(r"^> \[(?P<kind>[\w ]+): you cannot see it\]$", re.MULTILINE)
# Joiners hold emoji and Persian words together; they move no text.
_JOINERS = frozenset("\u200c\u200d")
_HIDDEN = frozenset("\u200b\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_GAPS = frozenset({"Zs", "Zl", "Zp", "Cc"})
_DROPPED = frozenset({"Cf", "Cs", "Co", "Cn"})
_NOT_SEEN = {
    "photo": Text("quotation.not_seen.photo"),
    "video": Text("quotation.not_seen.video"),
}
_NOT_OPENED = Text("quotation.not_opened")


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of `author`, which is empty if unknown. `by_bot` is whether the bot itself wrote them."""

    author: str
    text: str
    by_bot: bool = False

    def write(self) -> str:
        """Return the quotation as marked lines."""
        name = one_line(self.author, LONGEST_NAME)
        lines = [one_line(line, LONGEST_QUOTE) for line in self.text[:LONGEST_QUOTE].splitlines()]
        words = [line for line in lines if line] or ["…"]
        return "\n".join(f"{_MARK} {line}" for line in [f"{name}: {words[0]}" if name else words[0], *words[1:]])


def one_line(text: str, limit: int) -> str:
    """Return a stranger's text as one line of at most `limit` characters, without control and direction characters."""
    shown = "".join(map(_show, text[: 4 * limit]))
    line = " ".join(shown.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def drop_controls(text: str) -> str:
    """Return a person's own text without control characters; its lines stay, line separators become line ends."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return "".join(map(_tidy, text)).strip()


def mark_unseen(kind: str) -> str:
    """Return the line that stands for a file of this kind which no model looks at."""
    return f"{_MARK} [{kind.replace('_', ' ')}: you cannot see it]"


def explain_unseen(text: str) -> Text | None:
    """Return the note for the reader of an answer to `text`, or None if every part of the message was read."""
    found = _UNSEEN.search(text)
    return None if found is None else _NOT_SEEN.get(found["kind"], _NOT_OPENED)


def own_words(text: str) -> str:
    """Return the person's own words: `text` without its marked lines."""
    if _MARK not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not line.startswith(_MARK)).strip()


def quoted_words(text: str) -> str:
    """Return the words of others in `text`, without their marks."""
    lines = (line for line in text.split("\n") if line.startswith(_MARK))
    return "\n".join(line.removeprefix(_MARK).strip() for line in lines)


def split_quoted(text: str) -> tuple[str, str]:
    """Return the marked lines at the beginning of `text`, and the rest."""
    lines = text.split("\n")
    own = next((number for number, line in enumerate(lines) if not line.startswith(_MARK)), len(lines))
    return "\n".join(lines[:own]), "\n".join(lines[own:])


def _tidy(character: str) -> str:
    if character in "\n\t":
        return character
    if character in "\x85\u2028\u2029":
        return "\n"
    return "" if unicodedata.category(character) == "Cc" or character in _HIDDEN else character


def _show(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    kind = unicodedata.category(character)
    if kind in _GAPS:
        return " "
    return "" if kind in _DROPPED and character not in _JOINERS else character
