"""Interface of photo enhancers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from beseda.core.failover import FailoverMember

PhotoBackend = Literal["basic", "gfpgan_docker", "gfpgan_http"]

# What the document names for GFPGAN in Docker. No generation of that image holds the script (docs/how-to/photos.md).
DOCUMENTED_IMAGE: Final = "soulteary/docker-gfpgan:v1.4.0"
DOCUMENTED_SCRIPT: Final = "/app/inference_gfpgan.py"

MAX_BYTES: Final = 50_000_000  # of a photo's file
MAX_PIXELS: Final = 25_000_000  # of a photo, and of what is made of it
MAX_SIDE_GFPGAN: Final = 3_500  # pixels: beyond it GFPGAN's containers run out of memory
SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")  # what a result may be written as


@dataclass(frozen=True, slots=True)
class EnhanceOptions:
    """Options that a person chose. `scale` is 1 to 4, or None for the default of the photo's size."""

    scale: int | None = None
    only_center_face: bool = False

    def __post_init__(self) -> None:
        if self.scale is not None and not 1 <= self.scale <= 4:
            raise ValueError(f"scale is 1 to 4, not {self.scale}")


@dataclass(frozen=True, slots=True)
class Enhanced:
    """The result: its size in pixels, its back-end, and its enlargement. `faces` is None if they were not counted."""

    width: int
    height: int
    backend: str
    scale: int
    faces: int | None = None


class Enhancer(FailoverMember, Protocol):
    """Something that makes a photo better."""

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Write a better `source` to `target`, in the format of its suffix (one of `SUFFIXES`).

        `target` appears whole or not at all, and carries no metadata but the colour profile. Raise
        `UnreadablePhotoError`, `PhotoTooLargeError`, `UnsupportedPhotoError`; `ToolError` if the fault is this
        machine's, a leaf of `RemoteError` if it is a server's.
        """
        ...


class PhotoComparer(Protocol):
    """Something that lays two pictures side by side."""

    async def compare(self, before: Path, after: Path, target: Path) -> None:
        """Write one picture with `before` on the left and `after` on the right, equally high, small enough to send."""
        ...


def choose_scale(shortest: int) -> int:
    """Return GFPGAN's default enlargement of a photo, by its shortest side in pixels.

    Source: the original service's `auto`. That one also kept to the main face if it saw several, which was the wrong
    way round: a group's faces are all restored, unless a person asks for the main one.
    """
    return 4 if shortest < 256 else 2 if shortest < 512 else 1
