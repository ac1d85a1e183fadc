"""The program as a user has it, and one browser for whoever opens its page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.acceptance.sandbox_page.conftest import browser

__all__ = ["browser"]


@pytest.fixture
async def beseda(tmp_path: Path) -> AsyncIterator[Program]:
    """`beseda` in an empty folder, with the demo model and nothing else set."""
    program = Program(tmp_path)
    yield program
    await program.close()
