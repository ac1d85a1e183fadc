"""A scripted server, and a model of every endpoint pointed at it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from beseda.core.clock import SystemClock
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.http.endpoints import CHAT_ENDPOINTS, Endpoint, find_endpoint
from beseda.llm.base import ChatModel, ModelRequest, Timeouts
from beseda.llm.gigachat import GigaChatSettings
from beseda.llm.openai_compatible import Connection
from beseda.llm.registry import BuildContext, LLMSettings, build_wire
from tests.parts.gigachat_server import GIGA_KEY, GigaChatServer
from tests.parts.llama_server import CompletionServer
from tests.parts.model_server import SERVED_MODEL, ModelServer

KEY = "sk-test-0123456789abcdef"
QUICK = Timeouts(connect=2.0, first_token=5.0, idle=5.0, total=10.0, check=2.0)

MakeModel = Callable[..., ChatModel]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the suite is about: an endpoint of the table, at a server that behaves like it."""

    endpoint: Endpoint
    server: type[ModelServer] = ModelServer
    key: str = KEY
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.endpoint.name


def find_row(name: str) -> Endpoint:
    """Return a row of the table that must be there."""
    row = find_endpoint(name)
    assert row is not None
    return row


GIGACHAT = Subject(find_row("gigachat"), GigaChatServer, GIGA_KEY)
CHATS = [Subject(row) for row in CHAT_ENDPOINTS if row is not GIGACHAT.endpoint] + [GIGACHAT]
"""Everything that has a chat route."""
COMPLETION = Subject(find_row("llamacpp"), CompletionServer, name="llamacpp-completion")
SUBJECTS = [*CHATS, COMPLETION]


@pytest.fixture(params=SUBJECTS, ids=str)
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.param
    return chosen


@pytest.fixture
def endpoint(subject: Subject) -> Endpoint:
    return subject.endpoint


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


def build_model(subject: Subject, server: ModelServer, http: HttpClient, **overrides: Any) -> ChatModel:
    """Return a subject's model at a server. Overrides: `timeouts`, `model`, `key`, `settings` of GigaChat."""
    giga = GigaChatSettings(auth_url=getattr(server, "auth_url", "http://127.0.0.1:9"))
    settings = LLMSettings(timeouts=overrides.get("timeouts", QUICK), gigachat=overrides.get("settings", giga))
    connection = Connection(
        endpoint=subject.endpoint,
        base_url=server.base_url,
        model=str(overrides.get("model", SERVED_MODEL)),
        api_key=str(overrides.get("key", subject.key)),
    )
    return build_wire(connection, BuildContext(settings, SystemClock(), http))


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@pytest.fixture
def question() -> ModelRequest:
    messages = [Message(Role.SYSTEM, "Be kind."), Message(Role.USER, "Как дела? 😀")]
    return ModelRequest(messages, temperature=0.5, max_tokens=100)
