"""A local recogniser for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.parts.speech_server import SpeechServer


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with SpeechServer() as running:
        yield running


@pytest.fixture
def voice() -> Path:
    return Path(__file__).parents[2] / "samples" / "voice" / "hello.ogg"
