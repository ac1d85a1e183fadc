"""Interfaces that convert a recording into one that a recogniser accepts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from beseda.core.errors import FileTooLargeError, ToolError, UnreadableAudioError


class RecordingTooLongError(FileTooLargeError):
    """A recording of more hours than we take, or one that unpacks to more."""


class NoSoundError(UnreadableAudioError):
    """A file without any sound in it: a silent video, a picture."""


class NoRoomError(ToolError):
    """Our share of the disk is used up: by other recordings in progress, or by this recording alone."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A transcoded recording: how long it is, and how many bytes."""

    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Sound:
    """The result of probing a file. `seconds` is None if the file does not state its length, and may be wrong."""

    container: str
    codec: str
    seconds: float | None
    size: int


@dataclass(frozen=True, slots=True)
class AudioSpan:
    """A stretch of a recording, in seconds from its start."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


Listener = Callable[[float], None]


class AudioTranscoder(Protocol):
    """Something that makes small speech files out of whatever people send."""

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        """Write the sound of `source` to `target`, mono at 16 kHz: Opus for `.ogg`, MP3 for `.mp3`.

        Leaves no `target` behind if it fails. Raises `UnreadableAudioError` if `source` has no sound to give,
        `FileTooLargeError` if it has more than a recogniser takes, `ToolError` if the fault is this machine's.
        """
        ...

    async def find_sound(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        """Return the stretches of a window that are loud enough for speech. Raises like `transcode_voice`."""
        ...


class AudioWorkshop(Protocol):
    """Something that looks into long recordings, makes them small and cuts them."""

    async def probe(self, source: Path) -> Sound:
        """Return the description of `source`. Raise `UnreadableAudioError` if there is no sound, and `ToolError`."""
        ...

    async def transcode_speech(
        self, source: Path, target: Path, sound: Sound, *, max_seconds: float, listener: Listener | None = None
    ) -> Recording:
        """Write the sound of `source` to `target`, an `.ogg`, in the time that its length needs.

        `listener` is called with the seconds of the recording that are done. Leaves no `target` behind if it fails.
        Raise `UnreadableAudioError`, `RecordingTooLongError` and `ToolError`.
        """
        ...

    async def find_silences(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        """Return the stretches without speech in a window of a recording.

        Raise `ToolError` and `UnreadableAudioError`.
        """
        ...

    async def find_sound(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        """Return the stretches of a window that are loud enough for speech. Raises like `find_silences`."""
        ...

    async def cut(self, source: Path, target: Path, span: AudioSpan) -> Recording:
        """Copy a stretch of an `.ogg` that we made to `target`. Raises like `transcode_speech`."""
        ...
