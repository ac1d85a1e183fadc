"""From a recording of any length to its transcript."""

from beseda.features.transcription.progress import ProgressListener, TranscriptionProgress, TranscriptionStage
from beseda.features.transcription.room import DiskBudget
from beseda.features.transcription.service import TranscriptionRules, TranscriptionService

__all__ = [
    "DiskBudget",
    "ProgressListener",
    "TranscriptionProgress",
    "TranscriptionRules",
    "TranscriptionService",
    "TranscriptionStage",
]
