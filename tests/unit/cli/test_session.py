import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.cli.repl.session import (
    BrokenMemoryError,
    ChatSession,
    SessionMemory,
    SessionMessage,
    UnknownSchemaError,
    make_title,
    read_memory,
    write_memory,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNT = st.integers(0, 10**9)
MESSAGES = st.builds(SessionMessage, st.sampled_from(["user", "assistant", "system", "summary"]), TEXT, COUNT)
SESSIONS = st.builds(
    ChatSession,
    session_id=TEXT.filter(bool),
    created_at=TEXT.filter(bool),
    updated_at=TEXT,
    summary=TEXT,
    title=TEXT,
    user_turns=COUNT,
    total_input_tokens=COUNT,
    is_active=st.booleans(),
    messages=st.lists(MESSAGES, max_size=4),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
FIELDS = ["schema_version", "sessions", "session_id", "messages", "summary", "role", "content", "tokens", "title"]


@given(st.lists(SESSIONS, max_size=3), st.none() | TEXT.filter(bool))
def test_written_file_is_read_back(sessions: list[ChatSession], active: str | None) -> None:
    memory = SessionMemory(sessions, active)
    assert read_memory(write_memory(memory)) == memory


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON))))
def test_anything_is_read_or_refused(content: dict[str, object]) -> None:
    try:
        memory = read_memory(content)
    except BrokenMemoryError:
        return
    assert read_memory(write_memory(memory)) == memory


@pytest.mark.parametrize("version", [0, 4, 99, "3", True, 3.5])
def test_foreign_version_is_unknown(version: object) -> None:
    with pytest.raises(UnknownSchemaError):
        read_memory({"schema_version": version, "sessions": []})


def test_recent_sessions_come_newest_first_and_empty_ones_not_at_all() -> None:
    sessions = [ChatSession(str(n), "", f"2026-01-0{n}", summary="s") for n in (2, 1, 3)]
    empty = ChatSession("4", "", "2026-02-01", messages=[SessionMessage("system", "Be brief.")])
    assert [session.session_id for session in SessionMemory([*sessions, empty]).list_recent(2)] == ["3", "2"]


def test_one_session_alone_is_active() -> None:
    first, second = ChatSession("1", "", "", is_active=True), ChatSession("2", "", "")
    memory = SessionMemory([first, second], "1")
    memory.activate(second)
    assert (first.is_active, second.is_active, memory.active_session_id) == (False, True, "2")


def test_title_is_the_first_hundred_characters() -> None:
    assert make_title(" a\n b ") == "a b"
    assert make_title("я" * 100) == "я" * 100
    assert make_title("я" * 101) == "я" * 100 + "…"
