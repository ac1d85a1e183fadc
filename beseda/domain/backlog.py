"""What waits in the record at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backlog:
    """Updates that are not worked off by bot, jobs that are not over by slot and state, webhooks to be sent."""

    updates: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    webhooks: int = 0
