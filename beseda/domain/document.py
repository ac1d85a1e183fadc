"""What can be written from a transcript."""

from dataclasses import dataclass
from enum import StrEnum

from beseda.errors import InputError
from beseda.locales import Text


class UnreadableTextError(InputError):
    """A document that is no text, or one in an encoding that we do not know."""

    text = Text(
        ru="Не похоже на текст. Пришлите, пожалуйста, обычный файл .txt (UTF-8, UTF-16 или Windows-1251).",
        en="This does not look like text. Please send a plain .txt file (UTF-8, UTF-16 or Windows-1251).",
    )


class TextTooLongError(InputError):
    """More text than a document is made from."""

    text = Text(
        ru="Текст слишком большой: я беру до миллиона знаков. Пришлите его, пожалуйста, по частям.",
        en="The text is too long: I take up to a million characters. Please send it in parts.",
    )


class DocumentKind(StrEnum):
    """What to write."""

    FULL = "full"
    SUMMARY = "summary"
    MINUTES = "minutes"
    TODO = "todo"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Document:
    """A file to send. Its name is ours, `caption` is one line in the reader's language.

    `subject` names in a few words what it is about; it may be empty.
    """

    name: str
    content: bytes
    mime: str
    caption: str
    subject: str = ""
