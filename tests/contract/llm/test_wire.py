"""What every endpoint of the table does with every way in which a server may answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from beseda.core.errors import (
    BesedaError,
    BrokenStreamError,
    ContextTooLongError,
    CreditExhaustedError,
    EmptyAnswerError,
    KeyRejectedError,
    LoadingError,
    ModelNotFoundError,
    ProtocolError,
    QuotaExceededError,
    RefusedAnswerError,
    RejectedRequestError,
    TimedOutError,
    UnavailableError,
)
from beseda.core.usage import Usage
from beseda.http.client import HttpClient
from beseda.http.endpoints import Endpoint
from beseda.llm.base import ChatModel, FinishReason, ModelRequest, ObservedModel, TextDelta, Timeouts
from beseda.llm.guard import AnswerGuard
from tests.contract.llm.conftest import CHATS, KEY, QUICK, MakeModel, Subject, build_model
from tests.parts.model_events import Heard, listen
from tests.parts.model_server import (
    CONTEXT_TOO_LONG,
    SERVED_MODEL,
    ModelServer,
    Reply,
    answer_json,
    answer_page,
    answer_whole,
    break_after,
    fail_midway,
    fall_silent,
    garble_midway,
    refuse,
    repeat_endlessly,
    say_nothing,
    stop_midway,
)

TEXT = "Привет! I am **fine** 😀."
of_chats = pytest.mark.parametrize("subject", CHATS, ids=str, indirect=True)


@pytest.fixture
async def server(subject: Subject) -> AsyncIterator[ModelServer]:
    async with subject.server() as running:
        yield running


@pytest.fixture
def make_model(subject: Subject, server: ModelServer, http: HttpClient) -> MakeModel:
    def make(timeouts: Timeouts = QUICK, **overrides: Any) -> ChatModel:
        return build_model(subject, server, http, timeouts=timeouts, **overrides)

    return make


@pytest.fixture
def model(make_model: MakeModel) -> ChatModel:
    return make_model()


async def test_stream_is_read_whole(model: ChatModel, endpoint: Endpoint) -> None:
    heard = await listen(model)

    assert heard.text == TEXT
    assert heard.end.usage == Usage(12, 7)
    assert heard.end.reason is FinishReason.STOP
    assert (heard.end.endpoint, heard.end.model) == (endpoint.name, SERVED_MODEL)


@of_chats
async def test_request_carries_all_parameters(
    model: ChatModel, server: ModelServer, endpoint: Endpoint, question: ModelRequest
) -> None:
    await listen(model, question)

    sent = server.requests[0]
    assert sent.headers["Authorization"] == f"Bearer {server.key_sent(KEY)}"
    assert sent.body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Как дела? 😀"},
    ]
    assert sent.body["stream"] is True
    assert sent.body["model"] == SERVED_MODEL
    assert sent.body["temperature"] == 0.5
    assert sent.body[endpoint.chat.max_tokens_field] == 100
    assert sent.body.get("stream_options") == ({"include_usage": True} if endpoint.chat.usage_in_stream else None)
    assert endpoint.chat.headers.items() <= sent.headers.items()


async def test_connection_is_kept_between_answers(model: ChatModel, server: ModelServer) -> None:
    for _ in range(4):
        await listen(model)

    assert len(server.requests) == 4
    assert server.connections <= 2  # a list of prices may have come over a second one


async def test_closing_the_stream_disconnects(model: ChatModel, server: ModelServer) -> None:
    server.script(repeat_endlessly())
    async with aclosing(model.stream(ModelRequest([]))) as events:
        async for event in events:
            assert isinstance(event, TextDelta)
            break

    await server.wait_for_disconnect()


async def test_cancelling_the_task_disconnects(model: ChatModel, server: ModelServer) -> None:
    server.script(fall_silent())
    task = asyncio.create_task(listen(model))
    await server.wait_for_request()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await server.wait_for_disconnect()


async def test_bytes_of_one_character_in_several_packets(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(tcp_size=3))

    assert (await listen(model)).text == TEXT


@of_chats
async def test_comments_and_reasoning(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(comments=["PROCESSING", ""], reasoning="Hmm."))
    heard = await listen(model)

    assert (heard.reasoning, heard.text) == ("Hmm.", TEXT)


@of_chats
async def test_answer_without_stream(model: ChatModel, server: ModelServer) -> None:
    server.script(answer_whole(TEXT))
    heard = await listen(model)

    assert (heard.text, heard.end.usage) == (TEXT, Usage(12, 7))


async def test_missing_usage_is_estimated(model: ChatModel, server: ModelServer, question: ModelRequest) -> None:
    server.script(Reply(usage=None))
    usage = (await listen(model, question)).end.usage

    assert usage.estimated
    assert 5 <= usage.completion_tokens <= 15
    assert usage.prompt_tokens > 5


@of_chats
async def test_cost_is_kept(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(cost=0.00042))

    assert (await listen(model)).end.usage.cost == 0.00042


@of_chats
@pytest.mark.parametrize("reply", [Reply(done=False), Reply(finish=None), Reply(usage=None, done=False)])
async def test_one_sign_of_the_end_is_enough(model: ChatModel, server: ModelServer, reply: Reply) -> None:
    server.script(reply)

    assert (await listen(model)).text == TEXT


@of_chats
@pytest.mark.parametrize(
    ("said", "meant"),
    [("length", FinishReason.LENGTH), ("tool_calls", FinishReason.TOOL), ("odd", FinishReason.UNKNOWN)],
)
async def test_finish_reasons(model: ChatModel, server: ModelServer, said: str, meant: FinishReason) -> None:
    server.script(Reply(finish=said))

    assert (await listen(model)).end.reason is meant


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refuse(401, {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}), KeyRejectedError),
        (refuse(403), KeyRejectedError),
        (refuse(402, {"message": "Insufficient Balance", "type": "unknown_error"}), CreditExhaustedError),
        (
            refuse(429, {"message": "You exceeded your quota", "code": "insufficient_quota"}),
            CreditExhaustedError,
        ),
        (refuse(404, {"message": "The model `x` does not exist", "code": "model_not_found"}), ModelNotFoundError),
        (refuse(404, 'model "x" not found, try pulling it first'), ModelNotFoundError),
        (refuse(400, {"message": "x is not a valid model ID", "code": 400}), ModelNotFoundError),
        (answer_json({"detail": "Not Found"}, 404), ProtocolError),
        (refuse(400), RejectedRequestError),
        (answer_json({"detail": [{"loc": ["body"], "msg": "field required"}]}, 422), RejectedRequestError),
        (refuse(400, {"message": "bad words", "code": "content_filter"}), RefusedAnswerError),
        (refuse(403, {"message": "Flagged", "metadata": {"reasons": ["violence"]}}), RefusedAnswerError),
        (refuse(408), TimedOutError),
        (refuse(429), QuotaExceededError),
        (refuse(500), UnavailableError),
        (refuse(502), UnavailableError),
        (refuse(503, {"code": 503, "message": "Loading model", "type": "unavailable_error"}), LoadingError),
        (refuse(503, {"message": "Model maker/m is currently loading", "estimated_time": 20.0}), LoadingError),
        (refuse(504), TimedOutError),
        (answer_page(200), ProtocolError),
        (answer_page(403), ProtocolError),
        (answer_page(502), UnavailableError),
        (Reply(status=307, body=b"", headers={"Location": "/elsewhere"}), ProtocolError),
        (answer_json({"error": {"message": "Provider returned error", "code": 502}}), UnavailableError),
        (answer_json({"error": {"message": "Rate limited", "code": 429}}), QuotaExceededError),
        (answer_json({"error": "something"}), UnavailableError),
        (answer_json({"message": "no body like that"}), UnavailableError),
        (Reply(body=b"not json"), ProtocolError),
        (fail_midway({"message": "out of memory", "code": "server_error"}), UnavailableError),
        (fail_midway({"message": "maximum context length", "code": 400}), ContextTooLongError),
        (garble_midway(), ProtocolError),
        (break_after(1), BrokenStreamError),
        (Reply(finish=None, usage=None, done=False), BrokenStreamError),
        (Reply(raw=[]), ProtocolError),
        (Reply(raw=[b"<html>\n", b"a page\n"], headers={"Content-Type": "text/plain"}), ProtocolError),
        (Reply(raw=[b"data: [1]\n\n"]), ProtocolError),
        (Reply(raw=[b'data: {"choices": 7}\n\n']), ProtocolError),
        (Reply(raw=[b'error: {"code": 500, "message": "slot"}\n\n']), UnavailableError),
    ],
)
async def test_refusals_are_distinguished(
    model: ChatModel, server: ModelServer, reply: Reply, kind: type[BesedaError]
) -> None:
    server.default = reply
    with pytest.raises(kind) as caught:
        await listen(model)

    assert type(caught.value) is kind
    assert model.name in caught.value.detail
    assert KEY not in caught.value.detail


async def test_answer_beyond_every_bound_is_not_read(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(body=b" " * 9_000_000))
    with pytest.raises(ProtocolError, match="more than 8388608 bytes"):
        await listen(model)


@pytest.mark.parametrize("vendor", CONTEXT_TOO_LONG)
async def test_too_long_context_is_recognised(model: ChatModel, server: ModelServer, vendor: str) -> None:
    server.script(CONTEXT_TOO_LONG[vendor])
    with pytest.raises(ContextTooLongError):
        await listen(model)


async def test_quota_names_the_time_to_wait(model: ChatModel, server: ModelServer) -> None:
    server.script(refuse(429, headers={"Retry-After": "7"}))
    with pytest.raises(QuotaExceededError) as caught:
        await listen(model)

    assert caught.value.retry_after == 7


async def test_words_before_a_break_are_heard(model: ChatModel, server: ModelServer) -> None:
    server.script(break_after(2))
    heard = Heard()
    with pytest.raises(BrokenStreamError):
        await listen(model, heard=heard)

    assert heard.text.startswith("piece 0 ")


async def test_empty_answer_is_an_error_behind_the_guard(model: ChatModel, server: ModelServer) -> None:
    server.script(say_nothing())
    with pytest.raises(EmptyAnswerError):
        await listen(ObservedModel(model, AnswerGuard))


@pytest.mark.parametrize(
    ("reply", "timeouts"),
    [
        (fall_silent(), Timeouts(first_token=0.2)),
        (Reply(comments=["PROCESSING"] * 100, text=[], chunk_delay=0.02), Timeouts(first_token=0.2)),
        (stop_midway(), Timeouts(idle=0.2)),
        (repeat_endlessly(), Timeouts(total=0.3)),
    ],
)
async def test_silence_ends_in_time(
    make_model: MakeModel, server: ModelServer, reply: Reply, timeouts: Timeouts
) -> None:
    server.script(reply)
    with pytest.raises(TimedOutError):
        await listen(make_model(timeouts))

    await server.wait_for_disconnect()


async def test_refused_parameter_is_left_out_from_then_on(
    model: ChatModel, server: ModelServer, question: ModelRequest
) -> None:
    error = {"message": "Unsupported value: 'temperature'", "param": "temperature", "code": "unsupported_value"}
    server.script(refuse(400, error))
    await listen(model, question)
    await listen(model, question)

    assert ["temperature" in request.body for request in server.requests] == [True, False, False]


@of_chats
async def test_model_is_taken_from_the_list_if_the_caller_names_no_model(
    make_model: MakeModel, server: ModelServer
) -> None:
    server.models = [{"id": "nomic-embed-text"}, {"id": "llama3:8b"}]
    model = make_model(model="")
    await listen(model)

    assert server.requests[0].body["model"] == "llama3:8b"
    assert model.name.endswith(":llama3:8b")


async def test_port_without_a_listener(make_model: MakeModel, server: ModelServer) -> None:
    model = make_model()
    await server.stop()
    with pytest.raises(UnavailableError):
        await listen(model)

    assert not (await model.check()).ok


async def test_check_is_good(model: ChatModel) -> None:
    health = await model.check()

    assert health.ok, health.detail


async def test_check_notices_a_wrong_key(make_model: MakeModel, server: ModelServer) -> None:
    server.api_key = "another"
    health = await make_model().check()

    assert not health.ok
    assert "401" in health.detail


async def test_check_distinguishes_loading_from_down(make_model: MakeModel, server: ModelServer) -> None:
    loading = refuse(503, {"code": 503, "message": "Loading model", "type": "unavailable_error"})
    server.health_reply = server.models_reply = loading
    health = await make_model().check()

    assert (health.ok, health.loading) == (False, True)


async def test_check_notices_a_model_that_is_not_there(make_model: MakeModel, endpoint: Endpoint) -> None:
    health = await make_model(model="no-such-model").check()

    assert health.ok == endpoint.local.takes_any_model
