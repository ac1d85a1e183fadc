"""The language that a person reads, among those that there are texts in."""

from beseda.locales.catalogue import FALLBACK, languages

RUSSIAN = "ru"


def language_of(code: str, default: str) -> str:
    """Return the language to write in for Telegram's `language_code` (an IETF tag), `default` where it is unknown.

    A person whose language has no texts reads English.
    """
    if not code:
        return default
    tag = code.lower()
    return next((one for one in (tag, tag.split("-", maxsplit=1)[0]) if one in languages()), FALLBACK)
