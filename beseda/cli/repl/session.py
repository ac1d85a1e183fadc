"""Memory of the terminal chat and its file format: the fields are the file's fields, in its order.

All messages of a session are kept. A message of the role `summary` sums up the messages before it: the model reads the
summary and the messages after it, people can read everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

SCHEMA_VERSION = 3
_READABLE_VERSIONS = (None, 1, 2, SCHEMA_VERSION)
TITLE_CHARACTERS = 100
USER, ASSISTANT, SYSTEM, SUMMARY = "user", "assistant", "system", "summary"

T = TypeVar("T")


class BrokenMemoryError(ValueError):
    """The content is no memory of ours."""


class UnknownSchemaError(BrokenMemoryError):
    """A memory of a version that we do not know: most likely a newer one."""


@dataclass(slots=True)
class SessionMessage:
    """One message; `extra` holds unknown fields, so that they are preserved.

    Two fields in `extra` are written by this program, each only if it is true: `stopped` (the person ended the answer)
    and `replaced` (another answer was requested).
    """

    role: str
    content: str
    tokens: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        return self.extra.get("stopped") is True

    @property
    def replaced(self) -> bool:
        return self.extra.get("replaced") is True


@dataclass(slots=True)
class ChatSession:
    """One conversation; times are ISO 8601 in UTC. `total_cost` (US dollars) is written only if it is known."""

    session_id: str
    created_at: str
    updated_at: str
    model_name: str = ""
    api_base_url: str = ""
    first_user_message: str = ""
    title: str = ""
    summary: str = ""
    user_turns: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    is_active: bool = False
    messages: list[SessionMessage] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def total_cost(self) -> float:
        cost = self.extra.get("total_cost", 0.0)
        return float(cost) if isinstance(cost, int | float) else 0.0

    @property
    def is_empty(self) -> bool:
        """Whether it has no messages other than system messages, and no summary."""
        return not self.summary and all(message.role == SYSTEM for message in self.messages)

    def touch(self, now: datetime) -> None:
        """Note that something changed."""
        self.updated_at = format_time(now)

    def clear(self) -> None:
        """Remove the summary, the title, the totals, and all messages except the last system message."""
        self.messages = [message for message in self.messages if message.role == SYSTEM][-1:]
        self.first_user_message = self.title = self.summary = ""
        self.user_turns = self.total_input_tokens = self.total_output_tokens = 0
        self.extra.pop("total_cost", None)


@dataclass(slots=True)
class SessionMemory:
    """All sessions of a file."""

    sessions: list[ChatSession] = field(default_factory=list)
    active_session_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def list_recent(self, limit: int) -> list[ChatSession]:
        """Return the most recent sessions that are not empty, the newest first."""
        shown = [session for session in self.sessions if not session.is_empty]
        return sorted(shown, key=lambda session: session.updated_at, reverse=True)[:limit]

    def activate(self, session: ChatSession) -> None:
        """Make `session` the one and only that goes on, and one of the file's."""
        for other in self.sessions:
            other.is_active = other is session
        session.is_active = True
        self.active_session_id = session.session_id

    def keep(self, session: ChatSession) -> None:
        """Make `session` one of those that are written."""
        if all(other is not session for other in self.sessions):
            self.sessions.append(session)

    def forget(self, session: ChatSession) -> None:
        """Take `session` out for good."""
        self.sessions = [other for other in self.sessions if other is not session]
        if self.active_session_id == session.session_id:
            self.active_session_id = None


def start_session(now: datetime) -> ChatSession:
    """Return an empty session."""
    moment = format_time(now)
    return ChatSession(str(uuid4()), moment, moment)


def format_time(moment: datetime) -> str:
    """Return `moment` as the file has it."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def make_title(text: str) -> str:
    """Return the first 100 characters of `text` in one line, followed by … if there were more."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS else line[:TITLE_CHARACTERS].rstrip() + "…"


def read_memory(content: object) -> SessionMemory:
    """Return the memory that parsed JSON stands for, whichever version wrote it.

    Raises UnknownSchemaError for a version that is none of ours, BrokenMemoryError for anything else.
    """
    if not isinstance(content, dict):
        raise BrokenMemoryError("it is not an object")
    version = content.get("schema_version")
    if isinstance(version, bool) or version not in _READABLE_VERSIONS:
        raise UnknownSchemaError(f"schema_version {version!r}")
    if "sessions" not in content:
        return _read_single(content)
    if not isinstance(content["sessions"], list):
        raise BrokenMemoryError("sessions is not a list")
    active = content.get("active_session_id")
    known = {"schema_version", "sessions", "active_session_id"}
    extra = {key: value for key, value in content.items() if key not in known}
    return SessionMemory([_read_session(entry) for entry in content["sessions"]], _take(active, str, "") or None, extra)


def _read_single(content: Mapping[str, Any]) -> SessionMemory:
    """Read the oldest shape: the file is one session, often nothing but its summary."""
    body = {key: value for key, value in content.items() if key != "schema_version"}
    if not body:
        return SessionMemory()
    if not {"summary", "messages", "session_id"} & body.keys():
        raise BrokenMemoryError("there are no sessions in it")
    return SessionMemory([_read_session(body)])


def _read_session(entry: object) -> ChatSession:
    if not isinstance(entry, dict):
        raise BrokenMemoryError("a session is not an object")
    messages = entry.get("messages") or []
    if not isinstance(messages, list):
        raise BrokenMemoryError("messages is not a list")
    updated = _take(entry.get("updated_at"), str, "")
    known = {row.name: row.type for row in fields(ChatSession) if row.name not in {"messages", "extra"}}
    session = ChatSession(
        session_id=str(entry.get("session_id") or uuid4()),
        created_at=_take(entry.get("created_at"), str, updated),
        updated_at=updated,
        messages=[_read_message(message) for message in messages],
        extra={key: value for key, value in entry.items() if key not in known and key != "messages"},
    )
    for name in ("model_name", "api_base_url", "first_user_message", "title", "summary"):
        setattr(session, name, _take_text(entry.get(name), name))
    for name in ("user_turns", "total_input_tokens", "total_output_tokens"):
        setattr(session, name, max(0, _take(entry.get(name), int, 0)))
    session.is_active = entry.get("is_active") is True
    return session


def _read_message(entry: object) -> SessionMessage:
    if not isinstance(entry, dict) or not isinstance(entry.get("role"), str):
        raise BrokenMemoryError("a message without a role")
    extra = {key: value for key, value in entry.items() if key not in {"role", "content", "tokens"}}
    content = _take_text(entry.get("content"), "content")
    return SessionMessage(entry["role"], content, max(0, _take(entry.get("tokens"), int, 0)), extra)


def _take_text(value: object, name: str) -> str:
    if value is not None and not isinstance(value, str):
        raise BrokenMemoryError(f"{name} is not text")
    return value or ""


def _take(value: object, kind: type[T], default: T) -> T:
    return value if isinstance(value, kind) and not isinstance(value, bool) else default


def write_memory(memory: SessionMemory) -> dict[str, Any]:
    """Return the file's content as plain objects."""
    return {
        "schema_version": SCHEMA_VERSION,
        "sessions": [_write_session(session) for session in memory.sessions],
        "active_session_id": memory.active_session_id,
        **memory.extra,
    }


def _write_session(session: ChatSession) -> dict[str, Any]:
    names: Sequence[str] = [row.name for row in fields(ChatSession) if row.name not in {"messages", "extra"}]
    written = [
        {"role": message.role, "content": message.content, "tokens": message.tokens, **message.extra}
        for message in session.messages
    ]
    return {**{name: getattr(session, name) for name in names}, "messages": written, **session.extra}
