"""Mapping from the error answers of servers of models and recognisers to our errors. Only here their texts are read.

Servers agree on the HTTP statuses more than on the bodies: an `error` object with message, code and type; an `error`
that is a text; a `detail` that is a text or a list; a bare `message`; a proxy's web page. The status therefore decides,
and codes and texts are used only if the status is too coarse.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from beseda.core.errors import (
    WEB_PAGE,
    ContextTooLongError,
    CreditExhaustedError,
    KeyRejectedError,
    LoadingError,
    ModelNotFoundError,
    ProtocolError,
    QuotaExceededError,
    RefusedAnswerError,
    RejectedRequestError,
    RemoteError,
    TimedOutError,
    UnavailableError,
)
from beseda.core.foreign_json import load_json
from beseda.http.endpoints import KEY_PREFIXES

_DETAIL_CHARACTERS = 300
_NO_HEADERS: Mapping[str, str] = {}

_KIND_BY_STATUS: Mapping[int, type[RemoteError]] = {
    401: KeyRejectedError,
    402: CreditExhaustedError,
    403: KeyRejectedError,
    404: ModelNotFoundError,
    407: KeyRejectedError,
    408: TimedOutError,
    410: ModelNotFoundError,
    413: ContextTooLongError,
    429: QuotaExceededError,
    498: UnavailableError,  # Groq has no capacity left: console.groq.com/docs/errors
    504: TimedOutError,
    522: TimedOutError,
    524: TimedOutError,
}
# A route that is not there is a wrong base URL, not a missing model.
_NO_ROUTE_STATUSES = frozenset({404, 405, 501})
_NO_ROUTE = frozenset({"", "Not Found", "404: Not Found", "404 page not found", "File Not Found"})


class _Rule(NamedTuple):
    """An error that its code gives away at any status, and its words at some; status 0 is an error without one."""

    kind: type[RemoteError]
    codes: frozenset[str]
    statuses: frozenset[int] = frozenset()
    words: re.Pattern[str] | None = None


_RULES = (
    _Rule(
        ContextTooLongError,
        frozenset({"context_length_exceeded", "exceed_context_size_error", "request_too_large"}),
        frozenset({0, 400, 413, 422, 500}),
        re.compile(
            r"context[ _](length|size|window)|maximum context|prompt is too long|reduce the length"
            r"|too many (input )?tokens|exceeds? the available context",
            re.IGNORECASE,
        ),
    ),
    _Rule(
        RefusedAnswerError,
        frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation"}),
        frozenset({0, 400, 403, 451}),
        re.compile(r"content (management )?policy|content filter|was flagged|requires moderation", re.IGNORECASE),
    ),
    _Rule(
        CreditExhaustedError,
        frozenset({"insufficient_quota", "insufficient_balance", "billing_hard_limit_reached", "billing_not_active"}),
        frozenset({0, 400, 403, 429}),
        re.compile(r"insufficient (balance|credit|funds|quota)|exceeded your (current quota|monthly)", re.IGNORECASE),
    ),
    _Rule(
        ModelNotFoundError,
        frozenset({"model_not_found", "model_not_supported", "model_not_available", "model_decommissioned"}),
        frozenset({0, 400, 403, 422}),
        re.compile(
            r"not a valid model|model .{0,120}(not found|does not exist|not supported|decommissioned)"
            r"|no such model|unknown model|no endpoints found",
            re.IGNORECASE,
        ),
    ),
    _Rule(
        # "Loading model", "Model … is currently loading", "Model is not loaded yet": three servers, three wordings.
        LoadingError,
        frozenset(),
        frozenset({503}),
        re.compile(r"\bloading\b|\bnot (?:yet )?loaded\b", re.IGNORECASE),
    ),
    _Rule(KeyRejectedError, frozenset({"invalid_api_key", "authentication_error"})),
    _Rule(QuotaExceededError, frozenset({"rate_limit_exceeded", "rate_limit_error", "too_many_requests"})),
)

# Codes for what servers put into words alone.
GATED_MODEL, NO_PERMISSION = "gated_model", "no_permission"
_REASONS = (  # of a rejected key
    (GATED_MODEL, re.compile(r"gated|restricted|awaiting a review", re.IGNORECASE)),
    (NO_PERMISSION, re.compile(r"permission", re.IGNORECASE)),
)

_WAIT_WORDS = re.compile(r"(?:try again|retry) (?:in|after) ((?:[\d.]+ ?(?:ms|[smh])[a-z]* ?)+)", re.IGNORECASE)
_DURATION_PARTS = re.compile(r"([\d.]+) ?(ms|[smh])")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

# What looks like a key: after "Bearer" or "key … :", or with a known beginning. Servers do echo them.
_KEY_SHAPES = re.compile(
    r"(?i)(bearer\s+|api[ _-]?key[^:\n]{0,24}:\s*)[^\s\"',]{6,}"
    rf"|\b(?:{'|'.join(map(re.escape, KEY_PREFIXES))})[\w*.\-]{{6,}}"
)


@dataclass(frozen=True, slots=True)
class _Words:
    message: str
    codes: frozenset[str]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    parameter: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class FaultReader:
    """Converts the error answers of one model. `secret` is the key, which is removed from every detail.

    `any_model`: the server accepts every model name, so a 404 means that the route is missing.
    """

    name: str
    secret: str = field(default="", repr=False)
    any_model: bool = False

    def read_refusal(self, status: int, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> RemoteError:
        """Return the error for an answer with a status that is no success, or a web page with any status."""
        if not body[:64].lstrip().startswith(b"<"):
            return self._build(status, _parse_words(_load(body)), headers)
        kind, wait = (UnavailableError, _find_retry_after(headers)) if status >= 500 else (ProtocolError, None)
        message = f"HTTP {status} with a web page instead of an answer; a proxy, or a wrong base URL?"
        return kind(message, endpoint=self.name, status=status, code=WEB_PAGE, retry_after=wait)

    def read_inner(self, error: object, headers: Mapping[str, str] = _NO_HEADERS) -> RemoteError:
        """Return the error for an error object inside a success: instead of the answer, or in the middle of it."""
        words = _parse_words({"error": error})
        return self._build(words.status if words.status and words.status >= 400 else 0, words, headers)

    def _build(self, status: int, words: _Words, headers: Mapping[str, str]) -> RemoteError:
        kind = _choose_kind(status, words)
        if self.any_model and status in _NO_ROUTE_STATUSES and not _names_model(words):
            kind = ProtocolError
        wait = None
        if kind is QuotaExceededError:
            wait = _find_wait({**headers, **words.headers}, words.message)
        elif kind in {UnavailableError, LoadingError}:
            wait = _find_retry_after(headers)
        said = hide_secrets(" ".join(words.message.split()), self.secret)[:_DETAIL_CHARACTERS]
        label = f"HTTP {status}" if status else "an error instead of an answer"
        later = f" (again in {wait:.0f} s)" if wait and wait >= 1 else ""
        message = f"{label}: {said or 'no explanation'}{later}"
        return kind(message, endpoint=self.name, status=status, code=_choose_code(kind, words), retry_after=wait)


def find_refused_parameter(body: bytes) -> str:
    """Return the name of the request's field that the server does not take, or an empty string."""
    words = _parse_words(_load(body))
    refused = words.codes & {"unsupported_parameter", "unsupported_value"} or "not supported" in words.message.lower()
    return words.parameter if refused else ""


def names_format(body: bytes) -> bool:
    """Return whether a refusal is about the form that was asked for: each server has words of its own for that."""
    said = body.lower().replace(b" ", b"_")
    return any(word in said for word in (b"response_format", b"json_schema", b"structured_output", b"grammar"))


def hide_secrets(text: str, secret: str = "") -> str:
    """Return `text` without `secret` and without anything that looks like a key."""
    if secret:
        text = text.replace(secret, "***")
    return _KEY_SHAPES.sub(lambda match: f"{match[1] or ''}***", text)


def _choose_kind(status: int, words: _Words) -> type[RemoteError]:
    for rule in _RULES:
        if words.codes & rule.codes and not (status == 413 and rule.kind is QuotaExceededError):
            return rule.kind
        if rule.words and status in rule.statuses and rule.words.search(words.message):
            return rule.kind
    if status == 404 and words.message in _NO_ROUTE:
        return ProtocolError
    if kind := _KIND_BY_STATUS.get(status):
        return kind
    if 400 <= status < 500:
        return RejectedRequestError
    return UnavailableError if status >= 500 or status == 0 else ProtocolError


def _choose_code(kind: type[RemoteError], words: _Words) -> str:
    """Return the server's name of a fault, or our code for the reason why a key was rejected."""
    if kind is KeyRejectedError:
        for code, reason in _REASONS:
            if reason.search(words.message):
                return code
    return words.code


def _names_model(words: _Words) -> bool:
    """Return whether a refusal is about the model, by its code or its words."""
    rule = next(rule for rule in _RULES if rule.kind is ModelNotFoundError)
    return bool(words.codes & rule.codes) or (rule.words is not None and rule.words.search(words.message) is not None)


def _parse_words(body: object) -> _Words:
    if isinstance(body, list) and body:
        body = body[0]  # some gateways wrap the object in an array
    if not isinstance(body, dict):
        return _Words(body if isinstance(body, str) else "", frozenset())
    error = body.get("error") or body.get("detail") or body.get("message") or body
    if isinstance(error, list):
        error = error[0] if error else ""
    if not isinstance(error, dict):
        return _Words(str(error), frozenset(_list_codes(body)), code=_choose_name(body))
    metadata = error.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    message = str(error.get("message") or error.get("msg") or "")
    if raw := metadata.get("raw"):
        message = f"{message}: {raw}"
    headers = metadata.get("headers")
    code = error.get("code")
    return _Words(
        message=message,
        codes=frozenset(_list_codes(error)) | ({"moderation"} if metadata.get("reasons") else frozenset()),
        status=code if isinstance(code, int) else None,
        headers={str(key): str(value) for key, value in headers.items()} if isinstance(headers, dict) else {},
        parameter=str(error.get("param") or ""),
        code=_choose_name(error),
    )


def _list_codes(error: Mapping[str, object]) -> list[str]:
    values = (error.get("code"), error.get("type"), error.get("error_type"))
    return [str(value).lower() for value in values if value]


def _choose_name(error: Mapping[str, object]) -> str:
    """Return the server's name of a fault: a number in its place only repeats the status."""
    return next((code for code in _list_codes(error) if not code.isdecimal()), "")


def _load(body: bytes) -> object:
    try:
        loaded: object = load_json(body)
    except ValueError:
        return body[: 4 * _DETAIL_CHARACTERS].decode("utf-8", "replace")
    return loaded


def _find_retry_after(headers: Mapping[str, str]) -> float | None:
    known = {key.lower(): value.strip() for key, value in headers.items()}
    if (milliseconds := _to_number(known.get("retry-after-ms", ""))) is not None:
        return max(0.0, milliseconds / 1000)
    return _parse_retry_after(known["retry-after"]) if "retry-after" in known else None


def _find_wait(headers: Mapping[str, str], message: str) -> float | None:
    """Return when a quota is free again. Resets are sent with every answer, so only a refusal may look at them."""
    if (wait := _find_retry_after(headers)) is not None:
        return wait
    if match := _WAIT_WORDS.search(message):
        return _parse_duration(match[1])
    resets = [value.strip() for key, value in headers.items() if key.lower().startswith("x-ratelimit-reset")]
    waits = [wait for reset in resets if (wait := _parse_reset(reset)) is not None]
    return min(waits, default=None)


def _parse_retry_after(value: str) -> float | None:
    if (seconds := _to_number(value)) is not None:
        return max(0.0, seconds)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time())


def _parse_reset(value: str) -> float | None:
    """Read a reset given as a duration ("1m2.5s"), seconds to go, or an epoch in seconds or milliseconds."""
    number = _to_number(value)
    if number is None:
        return _parse_duration(value)
    if number > 1e12:
        number /= 1000
    return max(0.0, number - time.time()) if number > 1e9 else max(0.0, number)


def _parse_duration(value: str) -> float | None:
    parts = _DURATION_PARTS.findall(value)
    numbers = [(_to_number(number), unit) for number, unit in parts]
    return sum((number or 0.0) * _UNIT_SECONDS[unit.lower()] for number, unit in numbers) if parts else None


def _to_number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124 - NaN
