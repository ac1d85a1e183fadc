"""Text in the two languages that every person around a bot may read."""

from typing import NamedTuple


class Text(NamedTuple):
    """One sentence in Russian and in English; may hold `str.format` fields."""

    ru: str
    en: str

    def say(self, language: str, /, **fields: object) -> str:
        """Return the sentence in `language` ("ru" or any other for English), its fields filled in."""
        template = self.ru if language == "ru" else self.en
        return template.format(**fields) if fields else template
