"""A real llama.cpp server with a model that is written here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beseda.http.client import HttpClient
from tests.parts.llama_server import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_tiny_model(path)
    return path


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()
