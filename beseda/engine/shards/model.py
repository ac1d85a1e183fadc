"""Assignment of the 64 shards of a bot's chats to replicas."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from beseda.engine.updates.model import PARTITIONS

EVERYTHING = frozenset(range(PARTITIONS))


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A heartbeat: a replica renews its lease for `lease` seconds, releases shards, or announces that it leaves."""

    bot: str
    name: str
    lease: float
    released: frozenset[int] = frozenset()
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """The response to a heartbeat.

    `owned` are the replica's shards from now on, `surplus` is the number of shards it should release, `others` the
    number of other live replicas. `unmet` is true if one of those has sent no heartbeat since this replica joined.
    """

    owned: frozenset[int]
    surplus: int = 0
    others: int = 0
    unmet: bool = False


def share_out(owned: Mapping[str, Collection[int]], name: str, sharing: Collection[str]) -> tuple[frozenset[int], int]:
    """Return the shards that `name` takes in addition, and the number of shards it should release.

    `owned` are the shards of all replicas that may still work on them. `sharing` are the replicas among which the
    shards are divided equally, rounded up.
    """
    mine = frozenset(owned.get(name, ()))
    if name not in sharing:
        return frozenset(), 0
    share = math.ceil(PARTITIONS / len(sharing))
    free = EVERYTHING.difference(*owned.values())
    wanted = max(0, share - len(mine))
    return frozenset(sorted(free)[:wanted]), max(0, len(mine) - share)
