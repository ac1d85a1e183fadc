"""The table from the refusals of recognisers to our errors. No other module reads their words."""

import email.utils
import math
import time
from collections.abc import Mapping
from typing import Final

from beseda.core.errors import (
    BesedaError,
    CreditExhaustedError,
    FileTooLargeError,
    KeyRejectedError,
    ModelNotFoundError,
    ProtocolError,
    QuotaExceededError,
    RejectedRequestError,
    RemoteError,
    TimedOutError,
    UnavailableError,
)
from beseda.core.foreign_json import load_json
from beseda.locales import Text

_BY_STATUS: Final[Mapping[int, type[RemoteError]]] = {
    401: KeyRejectedError,
    402: CreditExhaustedError,
    403: KeyRejectedError,
    408: TimedOutError,
    429: QuotaExceededError,
    504: TimedOutError,
}
_TOO_LARGE, _NO_CREDIT = 413, "insufficient_quota"
_EXCERPT = 300
_BUSY: Final = Text("errors.speech.busy")
_DOWN: Final = Text("errors.speech.down")
_WRONG: Final = Text("errors.speech.wrong")
_SETUP_FAULTS: Final = (KeyRejectedError, CreditExhaustedError, ModelNotFoundError, ProtocolError)


def choose_words(error: RemoteError) -> Text:
    """Return the text of a recogniser's failure for a person: the errors' own texts speak of the chat model."""
    if isinstance(error, QuotaExceededError):
        return _BUSY
    return _WRONG if isinstance(error, _SETUP_FAULTS) else _DOWN


def explain_status(status: int, headers: Mapping[str, str], body: bytes, *, endpoint: str, secret: str) -> BesedaError:
    """Return the error that an answer other than 200 stands for, without the key `secret`."""
    said, code = _read_error(body)
    message = f"HTTP {status}: {said or body[:_EXCERPT].decode(errors='replace')}"
    if secret:  # some services repeat the key that they refuse
        message = message.replace(secret, "<key>")
    wait = _read_retry_after(headers)
    if status == _TOO_LARGE and code != _NO_CREDIT:
        return FileTooLargeError(f"{endpoint}: {message}", retry_after=wait)
    kind = _choose(status, said, code)
    return kind(message, endpoint=endpoint, status=status, code=code, retry_after=wait)


def _choose(status: int, message: str, code: str) -> type[RemoteError]:
    if code == _NO_CREDIT:
        return CreditExhaustedError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status == 404 and message and (code == "model_not_found" or "model" in message.lower()):
        return ModelNotFoundError
    # A wrong path or host answers 404, 405 or a redirect: there is no such route.
    if status < 400 or status in {404, 405}:
        return ProtocolError
    # 498 is how Groq says that it has no capacity left.
    return UnavailableError if status >= 498 else RejectedRequestError


def _read_error(body: bytes) -> tuple[str, str]:
    try:
        parsed = load_json(body)
    except ValueError:
        return "", ""
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(error, dict):
        return str(error)[:_EXCERPT], ""
    return str(error.get("message") or error.get("detail") or "")[:_EXCERPT], str(error.get("code") or "")


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        moment = email.utils.parsedate_tz(value) if value else None
        return max(0.0, email.utils.mktime_tz(moment) - time.time()) if moment else None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
