"""Progress of a long transcription and its remaining time, which is given only if it can be measured."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from beseda.core.clock import Clock


class TranscriptionStage(StrEnum):
    """The current stage of a transcription."""

    PREPARING = "preparing"  # the recording is made small
    LISTENING = "listening"  # the recogniser hears it


@dataclass(frozen=True, slots=True)
class TranscriptionProgress:
    """`done` of `total` seconds of the recording in this stage, `parts_done` of `parts` requests.

    `total` is 0 if the file does not state its length. `seconds_left` is the time until the whole transcript, or None
    if no measurement is available yet.
    """

    stage: TranscriptionStage
    done: float
    total: float
    parts_done: int = 0
    parts: int = 0
    seconds_left: float | None = None


ProgressListener = Callable[[TranscriptionProgress], None]


class Meter:
    """Measures how much time a second of a recording takes. `total` is in seconds of the recording."""

    def __init__(self, clock: Clock, total: float) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._total = total
        self.done = 0.0

    @property
    def pace(self) -> float | None:
        """Seconds of work for a second of the recording; None before anything is done."""
        elapsed = self._clock.monotonic() - self._started
        return elapsed / self.done if self.done > 0 and elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the pace so far."""
        pace = self.pace
        return None if pace is None else pace * max(0.0, self._total - self.done)


class Reporter:
    """Reports progress to a listener. `known_pace` is the pace of recognition of earlier recordings."""

    def __init__(self, clock: Clock, listener: ProgressListener | None, known_pace: float | None) -> None:
        self._clock = clock
        self._listener = listener
        self._known_pace = known_pace
        self._parts = 0
        self._parts_done = 0

    def prepare(self, total: float) -> Callable[[float], None]:
        """Begin the first stage and return a callback for its seconds.

        `total` is the length that the file states, or 0 if it states none.
        """
        meter = Meter(self._clock, total)
        self._tell(TranscriptionProgress(TranscriptionStage.PREPARING, 0.0, total))

        def hear(seconds: float) -> None:
            meter.done = min(seconds, total or seconds)
            left, pace = meter.seconds_left, self._known_pace
            whole = left + pace * total if total and left is not None and pace is not None else None
            self._tell(TranscriptionProgress(TranscriptionStage.PREPARING, meter.done, total, seconds_left=whole))

        return hear

    def listen(self, total: float, parts: int) -> Meter:
        """Begin the second stage."""
        self._parts = parts
        left = None if self._known_pace is None else self._known_pace * total
        self._tell(TranscriptionProgress(TranscriptionStage.LISTENING, 0.0, total, 0, parts, left))
        self._total = total
        return Meter(self._clock, total)

    def finish_part(self, meter: Meter, seconds: float) -> None:
        """Report that a part of `seconds` is finished."""
        self._parts_done += 1
        meter.done = min(self._total, meter.done + seconds)
        done = self._parts_done == self._parts
        left = 0.0 if done else meter.seconds_left
        self._tell(
            TranscriptionProgress(
                TranscriptionStage.LISTENING, meter.done, self._total, self._parts_done, self._parts, left
            )
        )

    def _tell(self, progress: TranscriptionProgress) -> None:
        if self._listener is not None:
            self._listener(progress)
