"""Logging: every line has its bot and turn, and no line contains a secret."""

import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, NamedTuple, TextIO
from urllib.parse import quote

import orjson

_SHORTEST_SECRET = 6  # anything shorter would turn ordinary words into gaps

# Libraries whose “info” is about themselves.
_CHATTY: Final = ("alembic", "uvicorn", "asyncio")

_PATTERNS: Final = (
    # A bot's token is a part of every address of the Bot API, so it is in each traceback of the HTTP client.
    (re.compile(r"(?<!\d)\d{6,}(?::|%3[Aa])[A-Za-z0-9_-]{30,}"), "<token>"),
    (re.compile(r"\b(Bearer|Basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\1\2<secret>"),
    (re.compile(r"(?<![A-Za-z0-9])(sk-|gsk_)[A-Za-z0-9_-]{8,}"), r"\1<secret>"),
    (re.compile(r"(?<![A-Za-z0-9])(hf_)[A-Za-z0-9]{12,}"), r"\1<secret>"),
    (re.compile(r"(?<![A-Za-z0-9])(bsd_[0-9]{1,18}_)[A-Za-z0-9_-]{8,}"), r"\1<secret>"),
    (
        re.compile(
            r"(api[_-]?key|access_token|client_secret|secret_token|password|passwd)"
            r"""(["']?\s*[=:]\s*["']?)(?!<)[^\s"'&,;)}]+""",
            re.IGNORECASE,
        ),
        r"\1\2<secret>",
    ),
    # Begins with a fixed string and is bounded: a line of 100 KB must not hold up the loop.
    (re.compile(r"(://[^\s/:@]{0,256}):[^\s/]{1,1024}@"), r"\1:<password>@"),
)


class _Context(NamedTuple):
    bot: str = ""
    turn: str = ""


class _Registry:
    """Secrets known by their exact value."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """Add a secret that no line may contain."""
        with self._lock:
            self._values |= {secret, quote(secret, safe="")}
            # The longest first: a secret may begin like another one.
            values = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, values)))

    def scrub(self, text: str) -> str:
        """Return the text without secrets."""
        return self._pattern.sub("<secret>", text) if self._pattern else text


_NOWHERE: Final = _Context()
_context: ContextVar[_Context] = ContextVar("beseda_log_context", default=_NOWHERE)
_registry = _Registry()


def redact(secret: str) -> None:
    """Remove this exact value from all later lines. Values shorter than six characters are ignored."""
    if len(secret) >= _SHORTEST_SECRET:
        _registry.add(secret)


def scrub(text: str) -> str:
    """Return `text` with secrets replaced: registered values and patterns of tokens, keys and passwords."""
    text = _registry.scrub(text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@contextmanager
def log_context(*, bot: str | None = None, turn: str | int | None = None) -> Iterator[None]:
    """Add the bot and the turn to every line logged inside. An argument that is not given keeps its outer value."""
    outer = _context.get()
    token = _context.set(
        _Context(outer.bot if bot is None else bot, outer.turn if turn is None else str(turn)),
    )
    try:
        yield
    finally:
        _context.reset(token)


def setup_logging(level: str | int = "INFO", *, json: bool = False, stream: TextIO | None = None) -> None:
    """Send the root logger to `stream` (stderr): short lines for people, or JSON lines.

    May be called again, and then replaces only its own handler. Handlers that others put on the root are given the
    redaction too. Raises `ValueError` for an unknown level.
    """
    root = logging.getLogger()
    root.setLevel(level.upper() if isinstance(level, str) else level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter() if json else _LineFormatter())
    root.handlers = [kept for kept in root.handlers if not isinstance(kept, _Handler)] + [handler]
    for kept in root.handlers:
        if not any(isinstance(known, RedactingFilter) for known in kept.filters):
            kept.addFilter(RedactingFilter())
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def render_json_line(message: str) -> str:
    """Return a line as the JSON log has it, for output that stands beside the log."""
    return _JsonFormatter().format(logging.LogRecord("beseda", logging.INFO, "", 0, message, None, None))


class RedactingFilter(logging.Filter):
    """Redacts a record so that no later handler can print a secret. Lets every record pass.

    Attach it to handlers: a filter on a logger does not see the records of its children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact message, arguments, traceback and stack of `record`."""
        record.msg, record.args = scrub(_render(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = scrub(record.exc_text)
        if record.stack_info:
            record.stack_info = scrub(record.stack_info)
        return True


class _Handler(logging.StreamHandler[TextIO]):
    """Marks our handler among those of the root logger."""


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        moment = datetime.fromtimestamp(record.created).astimezone()
        bot, turn = _context.get()
        where = f" [{' '.join(filter(None, (bot, turn)))}]" if bot or turn else ""
        line = f"{moment:%H:%M:%S} {record.levelname:<7} {record.name}{where}: {record.getMessage()}"
        return "\n".join(filter(None, (line, _render_trace(record))))


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        bot, turn = _context.get()
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "bot": bot,
            "turn": turn,
            "traceback": _render_trace(record),
        }
        # A lone surrogate (half of an emoji) is no Unicode text, and must not cost us the line.
        clean = {name: value.encode(errors="replace").decode() for name, value in fields.items() if value}
        return orjson.dumps(clean).decode()


_formatter = logging.Formatter()


def _render(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A wrong format must neither end the caller nor let logging print the arguments as they are.
        return f"{record.msg} {record.args!r}"


def _render_trace(record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = scrub(_formatter.formatException(record.exc_info))
    return "\n".join(filter(None, (record.exc_text, record.stack_info)))


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("beseda").critical("the program ends with an error", exc_info=(kind, error, trace))
