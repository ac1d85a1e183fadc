"""Which of our two languages a person reads."""

RUSSIAN, ENGLISH = "ru", "en"


def language_of(code: str, default: str) -> str:
    """Return "ru" or "en" for Telegram's `language_code` (an IETF tag), `default` where it is unknown."""
    if not code:
        return default
    return RUSSIAN if code.split("-", maxsplit=1)[0].lower() == RUSSIAN else ENGLISH
