"""What turns a recording into one that a recogniser takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Recording:
    """A transcoded recording: how long it is, and how many bytes."""

    seconds: float
    size: int


class AudioTranscoder(Protocol):
    """Something that makes small speech files out of whatever people send."""

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        """Write the sound of `source` to `target`, mono at 16 kHz: Opus for `.ogg`, MP3 for `.mp3`.

        Leaves no `target` behind if it fails. Raises `UnreadableAudioError` if `source` has no sound to give,
        `FileTooLargeError` if it has more than a recogniser takes, `ToolError` if the fault is this machine's.
        """
        ...
