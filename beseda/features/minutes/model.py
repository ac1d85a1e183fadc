"""Documents that are written from a transcript."""

from dataclasses import dataclass
from enum import StrEnum


class DocumentKind(StrEnum):
    """The kind of document to write."""

    FULL = "full"
    SUMMARY = "summary"
    MINUTES = "minutes"
    TODO = "todo"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Document:
    """A file to send. Its name is chosen by the program, `caption` is one line in the reader's language.

    `subject` names its topic in a few words; it may be empty.
    """

    name: str
    content: bytes
    mime: str
    caption: str
    subject: str = ""
