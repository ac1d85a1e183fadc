from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url

from beseda import app_tables as tables
from beseda.db.types import CleanText, UtcTime
from beseda.engine.conversations.tables import users


@pytest.mark.parametrize(
    ("text", "clean"), [("", ""), ("a", "a"), ("a\0b", "ab"), ("я\0", "я"), ("\ud83d", "?"), ("👋", "👋"), (None, None)]
)
def test_clean_text_is_accepted_by_every_database(text: str | None, clean: str | None) -> None:
    assert CleanText().process_bind_param(text, sqlite.dialect()) == clean


def test_utc_time_is_whole_microseconds_on_sqlite() -> None:
    moment = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
    stored = UtcTime().process_bind_param(moment, sqlite.dialect())
    assert stored == 1_795_167_000_123_456
    assert UtcTime().process_result_value(stored, sqlite.dialect()) == moment


def test_utc_time_comes_back_in_utc_on_postgres() -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=3)))
    found = UtcTime().process_result_value(moment, make_url("postgresql://").get_dialect()())
    assert found is not None
    assert (found, found.utcoffset()) == (moment, timedelta(0))


def test_naive_time_is_refused() -> None:
    with pytest.raises(TypeError):
        UtcTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001 - the mistake itself


def test_every_reference_is_a_foreign_key() -> None:
    loose = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_id")
        and column.name.removesuffix("_id") + "s" in tables.metadata.tables
        and not column.foreign_keys
    }
    # Telegram's own numbers, not rows of ours: an update's is part of its key, a message's belongs to its chat.
    telegrams = {"updates.update_id", "updates.message_id", "deliveries.message_id", "broadcast_recipients.message_id"}
    # An event outlives what it tells of: a lead that was deleted is still told to be.
    outliving = {"events.user_id", "events.lead_id", "event_deliveries.lead_id"}
    assert loose == telegrams | outliving


def test_times_survive_a_round_trip() -> None:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    moment = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC)
    with engine.begin() as connection:
        row = {"id": 1, "name": "", "username": "", "language": "", "created_at": moment, "last_seen_at": moment}
        connection.execute(insert(users).values(row))
        assert connection.execute(select(users.c.created_at)).scalar_one() == moment
    engine.dispose()
