"""An answer of a form that was asked for: over every wire, whether its server holds the model to it or not."""

import orjson
import pytest
from pydantic import Field

from beseda.core.errors import ProtocolError, UnavailableError
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel, Finished, ModelRequest, ask_structured
from beseda.llm.failover import FailoverModel
from beseda.llm.guard import AnswerGuard
from beseda.llm.structured import Form
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedModel
from tests.contract.llm.conftest import COMPLETION, SUBJECTS, Subject, build_model, find_row
from tests.parts.model_server import ModelServer, Reply, refuse

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["city", "people"],
    "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
}


class Group(Form):
    city: str
    people: int = Field(ge=0)


REQUEST = ModelRequest([Message(Role.SYSTEM, "Read."), Message(Role.USER, "Тверь, нас 5")])
FOUND = Group(city="Тверь", people=5)
WRITTEN = FOUND.model_dump_json()


@pytest.fixture(params=SUBJECTS, ids=str)
async def wire(request: pytest.FixtureRequest, http: HttpClient) -> tuple[Subject, type[ModelServer]]:
    subject: Subject = request.param
    return subject, subject.server


@pytest.mark.parametrize(
    "said",
    [
        WRITTEN,
        f"```json\n{WRITTEN}\n```",
        f"Вот что я понял {{кратко}}: {WRITTEN}. Верно?",
        f'<think>{{"city": 1}}</think>{WRITTEN}',
    ],
)
async def test_object_is_read_from_whatever_stands_around_it(
    wire: tuple[Subject, type[ModelServer]], http: HttpClient, said: str
) -> None:
    subject, make = wire
    async with make() as server:
        server.script(Reply(text=said))
        assert await ask_structured(build_model(subject, server, http), REQUEST, Group) == FOUND
        asked = server.requests[-1].body
    told = orjson.dumps(asked.get("messages") or asked["prompt"]).decode()
    if subject is COMPLETION:
        assert asked["json_schema"] == SCHEMA
    elif subject.endpoint.chat.takes_schema:
        assert asked["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
        assert "JSON Schema" not in told
    if subject is COMPLETION or not subject.endpoint.chat.takes_schema:
        assert "response_format" not in asked
        assert "JSON Schema" in told
    if "messages" in asked:
        assert [message["role"] for message in asked["messages"]] == ["system", "user"]


async def test_server_that_refuses_the_form_gets_it_in_words_from_then_on(
    server: ModelServer, http: HttpClient
) -> None:
    model = build_model(Subject(find_row("openrouter")), server, http)
    refusal = refuse(400, {"message": "This model does not support response format `json_schema`"})
    server.script(refusal, Reply(text=WRITTEN), Reply(text=WRITTEN))
    assert await ask_structured(model, REQUEST, Group) == FOUND
    assert await ask_structured(model, REQUEST, Group) == FOUND
    forms = ["response_format" in request.body for request in server.requests]
    assert forms == [True, False, False]
    assert "JSON Schema" in server.requests[1].body["messages"][0]["content"]


async def test_ordinary_request_is_as_before(server: ModelServer, http: HttpClient) -> None:
    model = build_model(Subject(find_row("vllm")), server, http)
    async for _ in model.stream(ModelRequest(REQUEST.messages)):
        pass
    assert "response_format" not in server.requests[0].body


@pytest.mark.parametrize(
    "broken", ["", "нет", '{"city": "Тверь"', '{"city": "Тверь"}', '{"city": "Тверь", "people": -1}']
)
async def test_broken_answer_is_mended_once(broken: str) -> None:
    model = ScriptedModel([broken, WRITTEN])
    ends: list[Finished] = []
    assert await ask_structured(model, REQUEST, Group, heard=ends.append) == FOUND
    assert len(ends) == 2
    assert "does not fit" in model.requests[1].messages[-1].content
    assert model.requests[1].schema == SCHEMA


async def test_twice_broken_is_an_error_without_the_text_of_the_conversation() -> None:
    model = ScriptedModel(['{"city": 7, "people": 1}', '{"city": "секрет"}'])
    with pytest.raises(ProtocolError) as caught:
        await ask_structured(model, REQUEST, Group)
    assert "people: Field required" in caught.value.detail
    assert "секрет" not in caught.value.detail


async def test_schema_is_always_that_of_the_form() -> None:
    model = ScriptedModel([WRITTEN])
    other = ModelRequest(REQUEST.messages, schema={"type": "object"})
    assert await ask_structured(model, other, Group) == FOUND
    assert model.requests[0].schema == SCHEMA


async def test_another_model_takes_over_with_the_same_schema() -> None:
    second = ScriptedModel([WRITTEN], name="second:model")
    models: list[ChatModel] = [
        ScriptedModel(fallback=UnavailableError("down")),
        second,
    ]
    model = FailoverModel(models, ManualClock(instant=True), observers=[AnswerGuard])
    assert await ask_structured(model, REQUEST, Group) == FOUND
    assert second.requests[0].schema == SCHEMA
