from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from beseda.engine.jobs.model import Job, JobRequest, JobState, Progress, estimate_seconds_left

START = datetime(2026, 11, 20, tzinfo=UTC)
RUNNING = Job(JobRequest(1, "test.run", {}, "media", 7, 7), JobState.RUNNING, START, START, started_at=START)


@pytest.mark.parametrize(
    ("done", "total", "passed", "left"),
    [
        (50, 100, 30, 30.0),
        (25, 100, 10, 30.0),
        (100, 100, 10, 0.0),
        (110, 100, 10, 0.0),
        (1, 100, 60, None),  # too little is done to tell
        (50, 100, 1, None),
        (50, 0, 60, None),
    ],
)
def test_time_left_is_measured(done: float, total: float, passed: float, left: float | None) -> None:
    job = replace(RUNNING, progress=Progress(done, total))
    assert estimate_seconds_left(job, START + timedelta(seconds=passed)) == left


def test_waiting_job_has_no_time_left_to_show() -> None:
    job = replace(RUNNING, state=JobState.QUEUED, progress=Progress(1, 2))
    assert estimate_seconds_left(job, START + timedelta(seconds=60)) is None
