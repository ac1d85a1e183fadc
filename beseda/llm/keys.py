"""Local checks of API keys: their format and their vendor."""

from beseda.core.errors import SettingsError
from beseda.http.endpoints import CHAT_ENDPOINTS, Endpoint


def check_key(key: str, row: Endpoint, *, at_home: bool) -> str:
    """Return `key` without surrounding white space. Raises SettingsError if it cannot be a key of `row`.

    `at_home` is whether it goes to the endpoint's own address; a proxy may require a key of another vendor.
    """
    key = key.strip()
    if key and (not key.isascii() or not key.isprintable() or " " in key.removeprefix("Basic ")):
        raise SettingsError(f"{row.key_variable}: a key has no spaces, line breaks or letters beyond ASCII")
    owner = find_owner(key)
    if owner is not None and owner is not row and at_home:
        mark = next(mark for mark in owner.key_marks if key.startswith(mark))
        raise SettingsError(
            f"{row.key_variable} holds a key of {owner.title} ({mark}…), which {row.title} does not take: "
            f"move it to {owner.key_variable}"
        )
    return key


def find_owner(key: str) -> Endpoint | None:
    """Return the only endpoint with keys that begin like `key`, or None."""
    return next((row for row in CHAT_ENDPOINTS if row.key_marks and key.startswith(row.key_marks)), None)


def explain_missing_key(row: Endpoint, fallback: str) -> str:
    """Return instructions for an endpoint `row` without its key. `fallback` is a spec that needs no key."""
    servers = ", ".join(local.title for local in CHAT_ENDPOINTS if local.is_local)
    return (
        f"{row.key_variable} is not set, and {row.title} needs it: get a key at {row.key_page}. "
        f"Without any key: start a server on this machine ({servers}), or set BESEDA_MODEL={fallback}"
    )
