"""A job: heavy work that a person waits for and a chat does not.

    queued ──► running ──► done
      ▲  │        │  └───► failed (with a reason)
      │  └────────┴──────► cancelled
      └── tried again, or its process ended

What a job needs and gives are ids and small facts as JSON; its bytes are files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

DEFAULT_SLOT = "heavy"
SLOTS = ("heavy", "speech", "text", "light")  # photos, recordings, documents, quick work that nobody waits for
MAX_LOSSES = 3  # how many processes may die over one job before it is given up: it may be what kills them
_DERIVED = 1 << 62
_MEASURED_SECONDS, _MEASURED_SHARE = 3.0, 0.02
CRASHED = "crashed"  # the reason of a job that was given up for that


def derive_id(*names: object) -> int:
    """Return a number for a job that is made of what it is for: asked for twice, anywhere, it is one job.

    Numbers of `kit.ids` stay below these until 2060.
    """
    digest = blake2b("\0".join(map(str, names)).encode(), digest_size=8).digest()
    return _DERIVED | int.from_bytes(digest) & (_DERIVED - 1)


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What is asked for. Enqueued twice under the same id it is one job.

    `kind` is "noun.verb" and names the handler, `payload` is JSON: ids and settings, never content. Jobs of one `slot`
    run one after another where the slot is one wide. `max_attempts` counts the first try. What nobody asked for has
    neither bot nor chat nor person.
    """

    id: int
    kind: str
    payload: Mapping[str, object]
    bot: str = ""
    chat_id: int | None = None
    user_id: int | None = None
    slot: str = DEFAULT_SLOT
    max_attempts: int = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How much is done, in units of the job's own; `total` is 0 where nobody knows. `note` is for people."""

    done: float = 0.0
    total: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the record has it.

    `attempt` counts tries that began, `losses` those that ended with their process. `reason` is the name of the error
    that failed the job, or of the last one while it waits to be tried again at `due_at`.
    """

    request: JobRequest
    state: JobState
    created_at: datetime
    due_at: datetime
    attempt: int = 0
    losses: int = 0
    progress: Progress = Progress()
    result: Mapping[str, object] | None = None
    reason: str = ""
    cancelling: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def id(self) -> int:
        """The number of the request."""
        return self.request.id


def estimate_seconds_left(job: Job, now: datetime) -> float | None:
    """Return how long a running job will take, measured by how fast it has been; None until that says something."""
    progress = job.progress
    if job.state is not JobState.RUNNING or job.started_at is None or progress.total <= 0:
        return None
    passed, share = (now - job.started_at).total_seconds(), progress.done / progress.total
    if passed < _MEASURED_SECONDS or share < _MEASURED_SHARE:
        return None
    return max(0.0, passed * (1 - share) / share)


@dataclass(frozen=True, slots=True)
class JobLease:
    """Who runs a job, and until when others leave it alone unless the lease is renewed.

    Who is `patient` takes over nothing whose lease has run out: the record was away, perhaps from everybody.
    """

    owner: str
    until: datetime
    patient: bool = False
