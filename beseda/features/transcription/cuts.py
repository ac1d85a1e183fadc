"""Cutting positions of a long recording: it is cut only if a limit requires it, and preferably in silence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from beseda.audio.base import AudioSpan, Recording
from beseda.speech.base import SpeechLimits

_WINDOW = 60.0  # seconds to each side of the wished place
_OVERLAP = 1.5  # seconds that both parts hear where no silence is found
_MARGIN = 0.1  # seconds of a silence that stay on each side
_EVENNESS = 0.9  # of the size limit: speech is not coded evenly


@dataclass(frozen=True, slots=True)
class Cut:
    """A place between two parts. `overlap` is the seconds around it that belong to both, 0 in a silence."""

    at: float
    overlap: float = 0.0


@dataclass(frozen=True, slots=True)
class CutWish:
    """Preferred cutting positions in seconds, and the distance that a cut may deviate from them."""

    places: tuple[float, ...]
    window: float


def wish_cuts(recording: Recording, limits: SpeechLimits) -> CutWish:
    """Return the positions that give even parts within the limits, or none if the whole recording fits."""
    most = limits.max_seconds or math.inf
    if recording.size > limits.max_bytes:
        most = min(most, recording.seconds * limits.max_bytes / recording.size * _EVENNESS)
    if recording.seconds <= most:
        return CutWish((), 0.0)
    window = min(_WINDOW, most * 0.1)
    # Both ends of a part may move away from each other, and overlap.
    length = most - 2 * window - _OVERLAP
    count = math.ceil(recording.seconds / max(length, most / 2))
    return CutWish(tuple(recording.seconds * number / count for number in range(1, count)), window)


def choose_cut(place: float, silences: Sequence[AudioSpan]) -> Cut:
    """Return the nearest silence to a place, or the place itself with an overlap."""
    roomy = [silence for silence in silences if silence.seconds > 2 * _MARGIN]
    points = [min(max(place, silence.start + _MARGIN), silence.end - _MARGIN) for silence in roomy]
    return Cut(min(points, key=lambda point: abs(point - place))) if points else Cut(place, _OVERLAP)


def make_spans(seconds: float, cuts: Sequence[Cut]) -> list[AudioSpan]:
    """Return the parts between the cuts, each with its half of the overlaps."""
    edges = [Cut(0.0), *cuts, Cut(seconds)]
    return [
        AudioSpan(max(0.0, left.at - left.overlap / 2), min(seconds, right.at + right.overlap / 2))
        for left, right in pairwise(edges)
    ]
