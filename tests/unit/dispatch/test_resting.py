from beseda.dispatch.resting import Resting
from beseda.errors import RowRefusedError, StorageError


def _wait(resting: Resting, error: Exception | None) -> float:
    resting.put([1], 0.0, error)
    low, high = 0.0, 10_000.0
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (low, middle) if resting.is_due(1, middle) else (middle, high)
    return round(high / 60)


def test_what_never_rested_is_due() -> None:
    assert Resting().is_due(1, 0.0)
    assert Resting().wake(1, 0.0)


def test_row_that_is_refused_again_and_again_rests_longer_each_time() -> None:
    resting = Resting()
    assert [_wait(resting, RowRefusedError()) for _ in range(13)] == [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_database_that_is_away_makes_nothing_rest_longer() -> None:
    resting = Resting()
    assert [_wait(resting, StorageError()) for _ in range(9)] == [1] * 9


def test_success_in_between_begins_anew() -> None:
    resting = Resting()
    for _ in range(8):
        _wait(resting, RowRefusedError())
    assert _wait(resting, None) == 1
    assert _wait(resting, RowRefusedError()) == 1


def test_chat_that_comes_back_wakes_all_but_refused_ones() -> None:
    resting = Resting()
    resting.put([1], 0.0)
    resting.put([2], 0.0, RowRefusedError())
    assert (resting.wake(1, 1.0), resting.wake(2, 1.0), resting.wake(2, 61.0)) == (True, False, True)


def test_tidying_keeps_what_rests() -> None:
    resting = Resting()
    for _ in range(7):
        resting.put([1], 0.0, RowRefusedError())
    resting.put([2], 0.0)
    resting.tidy(100.0)
    assert (resting.is_due(1, 100.0), resting.is_due(2, 100.0)) == (False, True)
    resting.put([1], 300.0, RowRefusedError())
    assert not resting.is_due(1, 300.0 + 7 * 60), "it is still known how often it was refused"
