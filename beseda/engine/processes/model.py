"""A running process of Beseda, as the others see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

ROLES = ("run", "bot", "api", "worker", "beat")
HEARTBEAT = timedelta(seconds=8)  # a dead process is to be missed within 30 s, and gauges may be 5 s old
ALIVE_WITHIN = 3 * HEARTBEAT
"""A process whose last heartbeat is older has ended or cannot reach the database."""


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process with its role (run, bot, api, worker, beat) and its last heartbeat.

    `slots` are the kinds of job it works on; `keeps_schedule` is true if it starts scheduled jobs.
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


def find_unserved_slots(slots: Iterable[str], alive: Iterable[RunningProcess]) -> list[str]:
    """Return those of the slots that none of these processes works on."""
    served = {slot for process in alive for slot in process.slots}
    return [slot for slot in slots if slot not in served]
