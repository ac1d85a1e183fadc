"""Jobs for lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from beseda.engine.jobs.model import JobState


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs: None means all."""

    bot: str | None = None
    user_id: int | None = None
    state: JobState | None = None
    kind: str | None = None


class JobLine(NamedTuple):
    """A job without its input and result. `bot` is empty and `user_id` None if no person has requested it."""

    id: int
    kind: str
    bot: str
    chat_id: int | None
    user_id: int | None
    state: str
    attempt: int
    max_attempts: int
    done: float
    total: float
    note: str
    reason: str
    cancelling: bool
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
