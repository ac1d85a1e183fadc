"""Texts that people read, by key: one TOML file per language.

`en.toml` has every text; a language lacks the texts that are not translated yet, and English stands in for them.
"""

from beseda.locales.catalogue import FALLBACK, BotTexts, known_language, languages
from beseda.locales.text import Text

__all__ = ["FALLBACK", "BotTexts", "Text", "known_language", "languages"]
