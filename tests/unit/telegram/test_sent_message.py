"""The ids that a lost message may have got."""

from datetime import UTC, datetime, timedelta

import pytest

from beseda.telegram.lookup import KnownMessage, KnownMessages, find_candidates
from beseda.telegram.part import message_box

_OVER = datetime(2026, 11, 1, 12, tzinfo=UTC)
_LATER = _OVER + timedelta(seconds=1)
_EARLIER = _OVER - timedelta(seconds=1)


def _known(before: int | None, *later: int) -> KnownMessages:
    return KnownMessages(before, [KnownMessage(number) for number in later])


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (_known(100), [101, 102, 103, 104, 105]),
        (_known(100, 102), [101, 103, 104, 105, 106, 107]),
        (_known(100, 101, 102), [103, 104, 105, 106, 107]),
        (_known(None, 7), [8, 9, 10, 11, 12]),
        (_known(None), []),
        (_known(0), [1, 2, 3, 4, 5]),
    ],
)
def test_candidates_stand_in_no_row_and_five_beyond_the_last(known: KnownMessages, found: list[int]) -> None:
    assert find_candidates(known, _OVER, 8)[0] == found


def test_send_that_began_after_the_call_was_over_ends_the_candidates() -> None:
    later = [KnownMessage(103, _EARLIER), KnownMessage(105, _LATER), KnownMessage(107, _LATER)]
    assert find_candidates(KnownMessages(100, later), _OVER, 8) == ([101, 102, 104], True)


def test_send_that_began_as_the_call_was_over_does_not_end_them() -> None:
    found, _ = find_candidates(KnownMessages(100, [KnownMessage(102, _OVER)]), _OVER, 8)
    assert found == [101, 103, 104, 105, 106, 107]


def test_more_candidates_than_probes_prove_nothing() -> None:
    assert find_candidates(_known(100), _OVER, 5) == ([101, 102, 103, 104, 105], True)
    assert find_candidates(_known(100), _OVER, 4) == ([101, 102, 103, 104], False)
    assert find_candidates(_known(100, 1_000_000_000), _OVER, 3) == ([101, 102, 103], False)


@pytest.mark.parametrize(
    ("unknown_earlier", "found"),
    [
        (0, [101, 102, 103]),
        (1, [102, 101, 103]),
        (10, [111, 110, 112]),
        (18, [119, 118, 120]),
        (19, [120, 119, 118]),
        (40, [120, 119, 118]),  # not all of the earlier calls were made
    ],
)
def test_likeliest_id_is_that_of_the_rank_among_unknown_calls(unknown_earlier: int, found: list[int]) -> None:
    known = KnownMessages(100, [KnownMessage(121, _LATER)], unknown_earlier)
    assert find_candidates(known, _OVER, 3) == (found, False)
    assert sorted(find_candidates(known, _OVER, 20)[0]) == list(range(101, 121))


def test_ids_that_were_not_all_read_prove_nothing_and_have_none_beyond() -> None:
    later = [KnownMessage(101), KnownMessage(103)]
    assert find_candidates(KnownMessages(100, later, is_whole=False), _OVER, 8) == ([102], False)


def test_nothing_is_proven_if_no_id_is_known_before() -> None:
    assert find_candidates(_known(None, 7), _OVER, 8)[1] is False
    assert find_candidates(_known(None), _OVER, 8) == ([], False)


@pytest.mark.parametrize(
    ("chat_id", "box"),
    [
        (7_000_000_001, 0),
        (-4242, 0),
        (-999_999_999_999, 0),
        (-1_000_000_000_000, 0),
        (-1_000_000_000_001, -1_000_000_000_001),
    ],
)
def test_private_chats_and_basic_groups_share_a_counter(chat_id: int, box: int) -> None:
    assert message_box(chat_id) == box
