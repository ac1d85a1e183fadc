"""What counts as answered twice, and how the evidence is read."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.crowd import Question
from bench.kill import count_repeats, query_copy


@pytest.mark.parametrize(
    ("answers", "begun", "inside", "outside"),
    [
        ([1.0], [], 0, 0),
        ([1.0, 3.0], [2.0], 1, 0),
        ([1.0, 3.0], [], 0, 1),
        ([1.0, 3.0], [0.5], 0, 1),
        ([1.0, 3.0], [4.0], 0, 1),
        ([1.0, 3.0, 5.0], [2.0, 4.0], 2, 0),
        ([1.0, 3.0, 5.0], [2.0], 1, 1),
    ],
)
def test_repeat_is_excused_only_by_a_kill_in_between(
    answers: list[float], begun: list[float], inside: int, outside: int
) -> None:
    question = Question(chat=1, mark="q1-1", update_id=1, asked=0.0, answers=answers)
    assert count_repeats(question, begun) == (inside, outside)


def test_query_sees_rows_still_in_the_log_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE deliveries (number INTEGER)")
        connection.execute("INSERT INTO deliveries VALUES (7)")
        connection.commit()
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert "bot.db-wal" in before
        assert query_copy(file, "SELECT number FROM deliveries") == [7]
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_query_without_a_database_finds_nothing(tmp_path: Path) -> None:
    assert query_copy(tmp_path / "none.db", "SELECT 1") == []
