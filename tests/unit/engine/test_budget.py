"""The limits of a day: which of them a call is counted under, and when the day ends."""

from datetime import UTC, date, datetime, timedelta

import pytest

from beseda.core.time_zones import is_zone
from beseda.engine.usage.budget import (
    ANSWER,
    LEAST,
    LIFETIME,
    STEP_DOWN,
    Account,
    BudgetChange,
    BudgetRules,
    BudgetScope,
    BudgetStatus,
    Grant,
    Reservation,
    Spend,
    Unit,
    find_day,
    find_renewal,
    list_accounts,
    read_limits,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = Account(BudgetScope.USER, "assistant", 7, Unit.TOKENS, date(2026, 3, 1), 1000)


def test_bounds_are_those_that_are_documented() -> None:
    assert (STEP_DOWN, ANSWER) == (0.8, 2048)
    assert dict(LEAST) == {Unit.TOKENS: 64, Unit.SPEECH: 1, Unit.PICTURES: 1}
    assert {unit: limit.total_seconds() for unit, limit in LIFETIME.items()} == {
        Unit.TOKENS: 900,
        Unit.SPEECH: 7200,
        Unit.PICTURES: 3600,
    }


def test_limits_are_read_by_scope_and_unit_and_speech_in_seconds() -> None:
    assert read_limits({"user_tokens": 5, "bot_speech_minutes": 3, "total_pictures": 2, "group_tokens": 0}) == {
        (BudgetScope.USER, Unit.TOKENS): 5,
        (BudgetScope.BOT, Unit.SPEECH): 180,
        (BudgetScope.TOTAL, Unit.PICTURES): 2,
        (BudgetScope.GROUP, Unit.TOKENS): 0,
    }


@pytest.mark.parametrize(
    ("limits", "unit", "limited"),
    [
        ({}, None, False),
        ({"user_tokens": 0}, None, False),
        ({"user_tokens": 1}, None, True),
        ({"user_tokens": 1}, Unit.TOKENS, True),
        ({"user_tokens": 1}, Unit.SPEECH, False),
        ({"user_tokens": 0, "bot_speech_minutes": 1}, Unit.TOKENS, False),
    ],
)
def test_limit_of_zero_is_no_limit(limits: dict[str, int], unit: Unit | None, limited: bool) -> None:
    assert BudgetRules(read_limits(limits)).limits_anything(unit) is limited


def test_folder_changes_only_the_texts_it_names() -> None:
    rules = BudgetRules(read_limits({"user_tokens": 100, "bot_tokens": 200}), "cheap:one", "Europe/Moscow")
    assert rules.change(BudgetChange()) == rules
    changed = rules.change(BudgetChange(read_limits({"user_tokens": 0, "bot_tokens": 7}), "other:two"), "Asia/Tokyo")
    assert changed == BudgetRules({(BudgetScope.BOT, Unit.TOKENS): 7}, "other:two", "Asia/Tokyo")
    assert rules.change(BudgetChange(cheaper_model="")).cheaper_model == ""
    assert BudgetRules() == BudgetRules({}, "", "UTC")


@pytest.mark.parametrize(
    ("used", "held", "left", "share"),
    [(0, 0, 1000, 0.0), (300, 200, 500, 0.5), (900, 100, 0, 1.0), (900, 101, 0, 1.001), (999, 0, 1, 0.999)],
)
def test_state_counts_used_and_held_amounts(used: int, held: int, left: int, share: float) -> None:
    standing = BudgetStatus(ACCOUNT, used, held)
    assert (standing.left, standing.share) == (left, share)
    assert BudgetStatus(ACCOUNT) == BudgetStatus(ACCOUNT, 0, 0)


def test_usual_reservation_is_of_the_model_that_was_asked_for() -> None:
    assert Reservation("id", 5) == Reservation("id", 5, cheaper=False)
    assert Grant(5, 0.5).refused is None


ALL = BudgetRules(
    read_limits({"user_tokens": 1, "group_tokens": 2, "bot_tokens": 3, "total_tokens": 4, "user_pictures": 9}),
    zone="Asia/Tokyo",
)


def _scopes(user_id: int, group_id: int | None, rules: BudgetRules = ALL) -> list[Account]:
    spend = Spend("assistant", user_id, group_id, Unit.TOKENS, 10, 5, "k")
    return list_accounts(spend, rules, datetime(2026, 3, 1, 15, tzinfo=UTC), "UTC")


def test_call_is_counted_from_the_program_down_to_the_person() -> None:
    # In Tokyo it is midnight already.
    today, tomorrow = date(2026, 3, 1), date(2026, 3, 2)
    total = Account(BudgetScope.TOTAL, "", 0, Unit.TOKENS, today, 4)
    bot = Account(BudgetScope.BOT, "assistant", 0, Unit.TOKENS, tomorrow, 3)
    group = Account(BudgetScope.GROUP, "assistant", -5, Unit.TOKENS, tomorrow, 2)
    user = Account(BudgetScope.USER, "assistant", 7, Unit.TOKENS, tomorrow, 1)
    assert _scopes(7, -5) == [total, bot, group, user]
    assert _scopes(7, None) == [total, bot, user]
    assert _scopes(0, -5) == [total, bot, group]
    assert _scopes(0, None, BudgetRules({(BudgetScope.TOTAL, Unit.TOKENS): 0})) == []


@pytest.mark.parametrize(
    ("name", "known"),
    [("Europe/Moscow", True), ("UTC", True), ("Europe", False), ("Mars/Base", False), ("../etc", False), ("", False)],
)
def test_zone_is_known(name: str, known: bool) -> None:
    assert is_zone(name) is known


@pytest.mark.parametrize(
    ("moment", "zone", "day", "hours"),
    [
        (NOON, "UTC", date(2026, 3, 1), 12),
        (NOON, "Asia/Vladivostok", date(2026, 3, 1), 2),
        (NOON + timedelta(hours=2), "Asia/Vladivostok", date(2026, 3, 2), 24),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 29), 23),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), "Europe/Berlin", date(2026, 10, 25), 25),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "UTC", date(2026, 12, 31), 0.5),
    ],
)
def test_day_ends_at_midnight_of_its_zone(moment: datetime, zone: str, day: date, hours: float) -> None:
    assert find_day(moment, zone) == day
    assert find_renewal(moment, zone) == hours * 3600
