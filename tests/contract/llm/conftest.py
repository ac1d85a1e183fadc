"""A scripted server, and a model of every endpoint pointed at it."""

from collections.abc import AsyncIterator, Callable

import pytest

from beseda.domain.message import Message, Role
from beseda.llm.base import ChatModel, ModelRequest
from beseda.llm.endpoints import ENDPOINTS, Endpoint
from beseda.llm.http import HttpClient, Timeouts
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from tests.parts.model_server import SERVED_MODEL, ModelServer

KEY = "sk-test-0123456789abcdef"
QUICK = Timeouts(connect=2.0, first_token=5.0, idle=5.0, total=10.0, check=2.0)

MakeModel = Callable[..., ChatModel]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@pytest.fixture(params=ENDPOINTS, ids=lambda row: row.name)
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    row: Endpoint = request.param
    return row


@pytest.fixture
def make_model(endpoint: Endpoint, server: ModelServer, http: HttpClient) -> MakeModel:
    def make(timeouts: Timeouts = QUICK, *, model: str = SERVED_MODEL, key: str = KEY) -> ChatModel:
        connection = Connection(endpoint=endpoint, base_url=server.base_url, model=model, api_key=key)
        return OpenAICompatibleModel(connection, http, timeouts)

    return make


@pytest.fixture
def model(make_model: MakeModel) -> ChatModel:
    return make_model()


@pytest.fixture
def question() -> ModelRequest:
    messages = [Message(Role.SYSTEM, "Be kind."), Message(Role.USER, "Как дела? 😀")]
    return ModelRequest(messages, temperature=0.5, max_tokens=100)
