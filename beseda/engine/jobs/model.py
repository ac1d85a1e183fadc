"""A job: heavy work that a person waits for and a chat does not.

    queued ──► running ──► done
      ▲  │        │  └───► failed (with a reason)
      │  └────────┴──────► cancelled
      └── tried again, or its process ended

The input and the result of a job are ids and small facts as JSON; its bytes are files.
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
    """Return a job id that is derived from the job's purpose: repeated requests, in any process, are one job.

    Ids of `kit.ids` stay below these until 2060.
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
    """A request for a job. Two requests with the same id are one job.

    `kind` is "noun.verb" and names the handler, `payload` is JSON: ids and settings, never content. Jobs of one `slot`
    run one after another if the slot has a width of one. `max_attempts` counts the first attempt. A job that no person
    has requested has no bot, chat or person.
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
    """The amount done, in units of the job; `total` is 0 if it is unknown.

    `note` is a short text for the function that describes the progress to people.
    """

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
    """Return the remaining seconds of a running job, estimated from its speed so far.

    None if the job is not running, or until its speed can be measured.
    """
    progress = job.progress
    if job.state is not JobState.RUNNING or job.started_at is None or progress.total <= 0:
        return None
    passed, share = (now - job.started_at).total_seconds(), progress.done / progress.total
    if passed < _MEASURED_SECONDS or share < _MEASURED_SHARE:
        return None
    return max(0.0, passed * (1 - share) / share)


@dataclass(frozen=True, slots=True)
class JobLease:
    """The process that runs a job, and the end of its lease unless it is renewed.

    A `patient` process takes over no job with an expired lease: the database was unavailable, perhaps to all processes,
    and the owners may not have renewed their leases yet.
    """

    owner: str
    until: datetime
    patient: bool = False
