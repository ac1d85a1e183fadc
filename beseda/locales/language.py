"""The language that a person reads, among those that there are texts in."""

from beseda.locales.catalogue import FALLBACK, languages

RUSSIAN = "ru"


def language_of(code: str, default: str) -> str:
    """Return the language of texts for Telegram's `language_code` (an IETF tag), `default` if the code is empty.

    English is used if there are no texts in the person's language.
    """
    if not code:
        return default
    tag = code.lower()
    return next((one for one in (tag, tag.split("-", maxsplit=1)[0]) if one in languages()), FALLBACK)
