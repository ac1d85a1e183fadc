from collections.abc import Mapping

import pytest

from beseda.engine.shards.repository import EVERYTHING, share_out
from beseda.engine.updates.model import PARTITIONS, partition_of


def test_chats_spread_evenly() -> None:
    counts = [0] * PARTITIONS
    for number in range(64_000):
        counts[partition_of(7_000_000_000 + number)] += 1
    assert min(counts) > 800
    assert max(counts) < 1200


def test_part_of_a_chat_never_changes() -> None:
    # It is stored: whoever changes the function has to sort what is stored anew.
    assert [partition_of(chat) for chat in (0, 1, 7000000001, -1002000000001)] == [33, 55, 25, 29]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 64, 100])
def test_newcomers_get_their_share_one_after_another(count: int) -> None:
    owned: dict[str, frozenset[int]] = {}
    names = [str(number) for number in range(count)]
    for _ in range(3):
        for name in names:
            taken, surplus = share_out(owned, name, names)
            parts = sorted(owned.get(name, frozenset()) | taken)
            owned[name] = frozenset(parts[surplus:])
    _check(owned)
    sizes = [len(parts) for parts in owned.values()]
    assert max(sizes) <= -(-PARTITIONS // count)
    assert sum(sizes) == PARTITIONS


def test_one_that_leaves_takes_nothing() -> None:
    assert share_out({"b": frozenset(range(10))}, "a", ["b"]) == (frozenset(), 0)
    assert share_out({"a": frozenset(range(10))}, "b", ["b"]) == (EVERYTHING - frozenset(range(10)), 0)


def _check(owned: Mapping[str, frozenset[int]]) -> None:
    parts = [part for several in owned.values() for part in several]
    assert len(parts) == len(set(parts))
