"""From a recording of any length to its transcript."""

from beseda.services.transcription.progress import ProgressListener, TranscriptionProgress, TranscriptionStage
from beseda.services.transcription.room import DiskBudget
from beseda.services.transcription.service import TranscriptionRules, TranscriptionService

__all__ = [
    "DiskBudget",
    "ProgressListener",
    "TranscriptionProgress",
    "TranscriptionRules",
    "TranscriptionService",
    "TranscriptionStage",
]
