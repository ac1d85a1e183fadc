"""Problems with files on disk, worded for a command line. A bot words them for the person in the chat instead."""

from beseda.audio.base import NoRoomError
from beseda.core.errors import (
    BesedaError,
    InputError,
    PhotoTooLargeError,
    SilentAudioError,
    ToolError,
    UnreadableAudioError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from beseda.locales.errors import explain

_PROBLEMS: dict[type[BesedaError], str] = {
    SilentAudioError: "no words were heard",
    UnreadableAudioError: "no sound can be read: it is damaged, has no sound, or is no recording",
    UnreadablePhotoError: "no picture can be read: it is damaged, or is no photo",
    PhotoTooLargeError: "the result would have more than 25 million pixels: try a smaller --scale",
    UnsupportedPhotoError: "HEIC and moving pictures are not supported: convert it to JPEG or PNG",
}
# Their details are sentences of ours; those of recordings are ffmpeg's.
_OURS = (UnreadablePhotoError, PhotoTooLargeError, UnsupportedPhotoError)


def describe_file_problem(error: BesedaError) -> str:
    """Return a plain sentence: ffmpeg's own words are for the log, those of a service help the person."""
    for kind, words in _PROBLEMS.items():
        if isinstance(error, kind):
            return error.detail if error.detail and kind in _OURS else words
    if isinstance(error, ToolError) and error.exit_code is not None:
        return _PROBLEMS[UnreadableAudioError]
    return explain(error, "en") if isinstance(error, InputError | NoRoomError) else str(error).splitlines()[0]
