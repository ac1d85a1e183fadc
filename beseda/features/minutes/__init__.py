"""Documents written from a transcript: summary, minutes, to-do list, protocol."""

from beseda.features.minutes.raw import write_paragraphs, write_subtitles, write_transcript
from beseda.features.minutes.service import DocumentProgress, DocumentService
from beseda.features.minutes.text_file import MAX_TEXT_BYTES, read_text

__all__ = [
    "MAX_TEXT_BYTES",
    "DocumentProgress",
    "DocumentService",
    "read_text",
    "write_paragraphs",
    "write_subtitles",
    "write_transcript",
]
