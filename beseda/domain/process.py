"""A running process of Beseda, as the others see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

ROLES = ("run", "bot", "api", "worker", "beat")
HEARTBEAT = timedelta(seconds=10)
ALIVE_WITHIN = 3 * HEARTBEAT
"""A process whose last heartbeat is older has ended or cannot reach the database."""


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process with its role (run, bot, api, worker, beat) and its last heartbeat.

    `slots` are the kinds of job it works on; `keeps_schedule` is true where it starts scheduled jobs.
    """

    name: str
    role: str
    host: str
    pid: int
    version: str
    slots: tuple[str, ...]
    keeps_schedule: bool
    started_at: datetime
    seen_at: datetime
