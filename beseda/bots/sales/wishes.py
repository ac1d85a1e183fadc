"""Detection of wishes without a model, used if the model has filled in no form."""

import re

from beseda.features.sales.model import WANTS_CONSULTATION

# Words that need no model to be understood, above all those of the bot's own button.
_WANTS = re.compile(
    r"\b(?:хочу|хотел\w* бы|нужна|давайте|можно|запиш\w+)\b.{0,40}\b(?:консультаци\w+|созвон\w*|встреч\w+)"
    r"|\b(?:want|would like|need|book|arrange|set up)\b.{0,40}\b(?:consultation|call|meeting)\b",
    re.IGNORECASE | re.DOTALL,
)
_REFUSES = re.compile(r"\b(?:не|no|not|don.t)\b", re.IGNORECASE)


def read_plain_wishes(words: str) -> set[str]:
    """Return the signal of a plain request for a consultation without a negation, or an empty set."""
    return {WANTS_CONSULTATION} if _WANTS.search(words) and not _REFUSES.search(words) else set()
