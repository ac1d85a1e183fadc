"""The API on SQLite, for the tests of what it answers."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beseda.storage.sql import migrate
from tests.parts.api_server import ApiServer, serve_api


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def api(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[ApiServer]:
    await asyncio.to_thread((tmp_path / "data").mkdir)
    await asyncio.to_thread(shutil.copyfile, sqlite_template, tmp_path / "data" / "beseda.db")
    async with serve_api(tmp_path) as server:
        yield server
