"""Subjects of commits: `area: Verb object.`, at most 72 characters, one change.

A tree without its history (an archive, a shallow clone) has no subjects to read: the samples test the rule there.
"""

import re
import subprocess

import pytest

from scripts.source import ROOT, show

_SINCE = "02b19540f715"  # the rule holds for every commit after this one
_FORM = re.compile(r"[a-z][a-z_/ ,.-]*: [A-Z][a-z]+ [^;]*\.")
_LENGTH = 72


def _find_fault(subject: str) -> str | None:
    """Return the rule that a subject breaks, or None."""
    if len(subject) > _LENGTH:
        return f"{len(subject)} characters, at most {_LENGTH}"
    if ";" in subject:
        return "two changes"
    return None if _FORM.fullmatch(subject) else "not 'area: Verb object.'"


def _read_subjects() -> list[str]:
    """Return the subjects since the rule holds. An empty list where this tree has no history that reaches so far."""
    command = ["git", "-C", str(ROOT), "log", "--no-merges", "--format=%s", f"{_SINCE}..HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


def test_commit_subjects_keep_the_form() -> None:
    subjects = _read_subjects()
    print(f"commit subjects since {_SINCE}: {len(subjects)}")
    faults = [f"{subject}: {fault}" for subject in subjects if (fault := _find_fault(subject))]
    assert not faults, show(faults)


@pytest.mark.parametrize(
    "subject",
    [
        "llm: Retry a refused connection once.",
        "api/routes, docs: Reject unknown query parameters.",
        "tests: Rename the tests of the queue.",
    ],
)
def test_good_subject_is_accepted(subject: str) -> None:
    assert _find_fault(subject) is None


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("llm: Retry a refused connection once, and only where the model has not begun its answer.", "characters"),
        ("llm: Retry once; count retries.", "two changes"),
        ("llm: retry a refused connection once.", "Verb object"),
        ("llm: Retry a refused connection once", "Verb object"),
        ("Retry a refused connection once.", "Verb object"),
        ("llm: Retry.", "Verb object"),
    ],
)
def test_subject_of_another_form_is_refused(subject: str, fault: str) -> None:
    assert fault in (_find_fault(subject) or "")
