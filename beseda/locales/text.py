"""A text that people read, in every language that has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from beseda.locales.catalogue import FALLBACK, BotTexts, find_template, languages


@dataclass(frozen=True, slots=True, init=False)
class Text:
    """A text with `str.format` fields, of the catalogues or with words of its own.

    `Text("meetings.booked")` is a text of Beseda, `Text("reset", BotTexts(folder))` one of the bot in that folder.
    `Text(ru="…", en="…")` has its words with it, like the texts in `bot.yaml`. With both, the catalogue comes first.
    """

    key: str
    bot: BotTexts | None
    words: Mapping[str, str] = field(hash=False)

    def __init__(self, key: str = "", bot: BotTexts | None = None, /, **words: str) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "bot", bot)
        object.__setattr__(self, "words", words)

    def say(self, language: str, /, **fields: object) -> str:
        """Return the text in `language`, or in English if it has none, with its fields filled in."""
        template = self._find(language)
        return template.format(**fields) if fields else template

    def by_language(self) -> dict[str, str]:
        """Return the text in every language, its fields as they are written."""
        return {language: self._find(language) for language in languages()}

    def _find(self, language: str) -> str:
        for one in (language, FALLBACK):
            found = find_template(self.key, one, self.bot) if self.key else None
            if found is None:
                found = self.words.get(one)
            if found is not None:
                return found
        if self.words:
            return next(iter(self.words.values()))
        raise KeyError(self.key)


RUSSIAN = "ru"


def language_of(code: str, default: str) -> str:
    """Return the language of texts for Telegram's `language_code` (an IETF tag), `default` if the code is empty.

    English is used if there are no texts in the person's language.
    """
    if not code:
        return default
    tag = code.lower()
    return next((one for one in (tag, tag.split("-", maxsplit=1)[0]) if one in languages()), FALLBACK)
