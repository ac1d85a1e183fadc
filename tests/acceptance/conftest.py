"""The program as a user has it, and one browser for whoever opens its page."""

from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.acceptance.sandbox_page.conftest import browser

__all__ = ["browser"]


@pytest.fixture
def beseda(tmp_path: Path) -> Program:
    """`beseda` in an empty folder, with the demo model and nothing else set."""
    return Program(tmp_path)
