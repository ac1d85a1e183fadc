"""The API on SQLite, for the tests of its answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.parts.api_server import ApiServer, serve_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with serve_api(tmp_path) as server:
        yield server
