"""Which replica works on which part of a bot's chats."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from beseda.domain.update import PARTITIONS

EVERYTHING = frozenset(range(PARTITIONS))


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """What a replica says at each beat: it lives for `lease` seconds more, gives these parts back, or is leaving."""

    bot: str
    name: str
    lease: float
    released: frozenset[int] = frozenset()
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """What a replica learns at each beat.

    `owned` are its parts from now on, `surplus` how many of them it should hand back to others, `others` how many
    live beside it; `unmet` says that one of those has not been heard of since this one came.
    """

    owned: frozenset[int]
    surplus: int = 0
    others: int = 0
    unmet: bool = False


def share_out(owned: Mapping[str, Collection[int]], name: str, sharing: Collection[str]) -> tuple[frozenset[int], int]:
    """Return which parts `name` takes in addition, and how many it has too many.

    `owned` are the parts of everybody who may still work on them, `sharing` those who are to have a fair share:
    as many as everybody, and no more than that.
    """
    mine = frozenset(owned.get(name, ()))
    if name not in sharing:
        return frozenset(), 0
    share = math.ceil(PARTITIONS / len(sharing))
    free = EVERYTHING.difference(*owned.values())
    wanted = max(0, share - len(mine))
    return frozenset(sorted(free)[:wanted]), max(0, len(mine) - share)
