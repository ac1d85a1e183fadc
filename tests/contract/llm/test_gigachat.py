"""What GigaChat does otherwise: tokens, its line, its system message, its certificates; and its SDK as a witness."""

import asyncio
import base64
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import (
    ContextTooLongError,
    CreditExhaustedError,
    KeyRejectedError,
    ProtocolError,
    RefusedAnswerError,
    SettingsError,
)
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel, ModelRequest, TextDelta, Waiting, find_measuring
from beseda.llm.gigachat import GigaChatSettings, build_gigachat, build_trust
from beseda.llm.openai_compatible import Connection
from beseda.llm.registry import LLMSettings, build_model
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import QUICK, find_row
from tests.parts.gigachat_server import GIGA_KEY, GigaChatServer
from tests.parts.model_events import ask, listen
from tests.parts.model_server import SERVED_MODEL, Reply, answer_json, repeat_endlessly

Connect = Callable[..., ChatModel]


@pytest.fixture
async def server() -> AsyncIterator[GigaChatServer]:
    async with GigaChatServer() as running:
        yield running


@pytest.fixture
def connect(server: GigaChatServer, http: HttpClient) -> Connect:
    def make(clock: Clock | None = None, *, key: str = GIGA_KEY, **settings: Any) -> ChatModel:
        giga = GigaChatSettings(auth_url=server.auth_url, **settings)
        connection = Connection(
            endpoint=find_row("gigachat"), base_url=server.base_url, model=SERVED_MODEL, api_key=key
        )
        return build_gigachat(connection, http, QUICK, giga, clock or SystemClock())

    return make


@pytest.fixture
def model(connect: Connect) -> ChatModel:
    return connect()


async def test_token_is_fetched_once_and_kept(model: ChatModel, server: GigaChatServer) -> None:
    await listen(model)
    await listen(model)

    asked = server.token_requests[0]
    assert len(server.token_requests) == 1
    assert asked["Authorization"] == f"Basic {GIGA_KEY}"
    assert asked["scope"] == "GIGACHAT_API_PERS"
    assert server.requests[1].headers["Authorization"] == "Bearer token-1"
    assert not {"stream_options", "user"} & server.requests[0].body.keys()


@pytest.mark.parametrize("unit", ["ms", "s"])
async def test_token_is_renewed_a_minute_before_its_end(connect: Connect, server: GigaChatServer, unit: str) -> None:
    server.expires = unit
    clock = ManualClock()
    server.token_seconds = int(clock.now().timestamp() - SystemClock().now().timestamp()) + 1800
    model = connect(clock)
    await listen(model)
    await clock.advance(1700)
    await listen(model)
    before = len(server.token_requests)
    await clock.advance(60)
    await listen(model)

    assert (before, len(server.token_requests)) == (1, 2)


async def test_each_request_for_a_token_has_its_own_id(model: ChatModel, server: GigaChatServer) -> None:
    await listen(model)
    server.revoke()
    await listen(model)

    ids = {uuid.UUID(asked["RqUID"]) for asked in server.token_requests}
    assert len(ids) == 2
    assert {each.version for each in ids} == {4}


async def test_refused_token_is_renewed_once(model: ChatModel, server: GigaChatServer) -> None:
    server.default = answer_json({"status": 401, "message": "Unauthorized"}, 401)
    with pytest.raises(KeyRejectedError):
        await listen(model)

    assert (len(server.requests), len(server.token_requests)) == (2, 2)


async def test_many_ask_for_one_token(connect: Connect, server: GigaChatServer) -> None:
    server.scope, server.streams, server.token_delay = "GIGACHAT_API_CORP", 10, 0.05
    model = connect(scope="GIGACHAT_API_CORP")
    await asyncio.gather(*(listen(model) for _ in range(5)))

    assert len(server.token_requests) == 1
    assert server.busiest > 1


async def test_clock_that_is_wrong_does_not_ask_each_time(connect: Connect, server: GigaChatServer) -> None:
    server.token_seconds = -7200
    model = connect()
    await listen(model)
    await listen(model)

    assert len(server.token_requests) == 1


async def test_personal_key_serves_one_after_the_other(connect: Connect, server: GigaChatServer) -> None:
    models = [connect(), connect()]  # two bots with one key stand in one line
    server.default = Reply(chunk_delay=0.02)
    heard = await asyncio.gather(*(listen(models[number % 2], ask(str(number))) for number in range(4)))

    assert server.busiest == 1
    assert [request.body["messages"][0]["content"] for request in server.requests] == ["0", "1", "2", "3"]
    assert [event for event in heard[3].events if isinstance(event, Waiting)] == [Waiting(3), Waiting(2), Waiting(1)]
    assert not [event for event in heard[0].events if isinstance(event, Waiting)]


async def test_request_that_leaves_the_queue_holds_up_no_other(model: ChatModel, server: GigaChatServer) -> None:
    server.script(repeat_endlessly())
    first, gone, last = (model.stream(ask()) for _ in range(3))
    async with aclosing(last):
        async with aclosing(first):
            assert isinstance(await anext(first), TextDelta)
            assert await anext(gone) == Waiting(1)
            assert await anext(last) == Waiting(2)
            await gone.aclose()
            assert await anext(last) == Waiting(1)
        assert isinstance(await anext(last), TextDelta)

    assert len(server.requests) == 2


async def test_system_message_is_single_and_first(model: ChatModel, server: GigaChatServer) -> None:
    said = [
        (Role.USER, "a"),
        (Role.SYSTEM, "Be kind."),
        (Role.ASSISTANT, "b"),
        (Role.SYSTEM, "So far."),
        (Role.USER, "c"),
    ]
    await listen(model, ModelRequest([Message(*each) for each in said]))

    assert [(each["role"], each["content"]) for each in server.requests[0].body["messages"]] == [
        ("system", "Be kind.\n\nSo far."),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
    ]


async def test_blacklist_is_a_refusal(server: GigaChatServer, http: HttpClient) -> None:
    server.default = Reply(text="Не люблю менять тему разговора, но", finish="blacklist")
    settings = LLMSettings(
        api_keys={"gigachat": GIGA_KEY},
        base_urls={"gigachat": server.url},  # no path: the API's is added
        gigachat=GigaChatSettings(auth_url=server.auth_url),
    )
    with pytest.raises(RefusedAnswerError, match="gigachat:GigaChat-2"):
        await listen(build_model("giga", settings, ManualClock(instant=True), http))

    assert server.requests[0].path == "/api/v1/chat/completions"


async def test_tokens_are_counted_by_the_service(model: ChatModel, server: GigaChatServer) -> None:
    measuring = find_measuring(model)
    assert measuring is not None
    server.revoke()

    assert await measuring.count_tokens("Привет, мир") == 3
    assert await measuring.count_tokens("") == 0
    assert server.counted == [["Привет, мир"]]


@pytest.mark.parametrize(
    ("scope", "key", "words"),
    [
        ("GIGACHAT_API_B2B", GIGA_KEY, "GIGA_SCOPE is GIGACHAT_API_B2B"),
        ("GIGACHAT_API_PERS", base64.b64encode(b"another:one").decode(), "GIGA_CLIENT_BASIC is the project's"),
    ],
)
async def test_refused_key_names_the_cause_to_check(connect: Connect, scope: str, key: str, words: str) -> None:
    with pytest.raises(KeyRejectedError, match=words) as caught:
        await listen(connect(scope=scope, key=key))

    assert key not in caught.value.detail


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        ({"status": 402, "message": "Payment Required"}, CreditExhaustedError, "used up"),
        ({"status": 413, "message": "Payload too large"}, ContextTooLongError, "413"),
    ],
)
async def test_refusals_of_the_service(
    model: ChatModel, server: GigaChatServer, refusal: dict[str, int], kind: type[Exception], words: str
) -> None:
    server.default = answer_json(refusal, refusal["status"])
    with pytest.raises(kind, match=words):
        await listen(model)


@pytest.mark.parametrize("body", [{}, [], {"access_token": "a"}, {"access_token": "a", "expires_at": "soon"}])
async def test_odd_answers_from_the_token_service(model: ChatModel, server: GigaChatServer, body: object) -> None:
    server.token_reply = answer_json(body)
    with pytest.raises(ProtocolError, match="GIGA_AUTH_URL"):
        await listen(model)


@pytest.mark.parametrize("text", [GIGA_KEY, f"Basic {GIGA_KEY}", "client-id:client-secret"])
async def test_key_is_taken_as_people_paste_it(connect: Connect, text: str) -> None:
    assert (await listen(connect(key=text))).text


@pytest.mark.parametrize("text", ["sk-0123456789", "bm8gY29sb24=", "кл:юч\n"])
def test_impossible_key_is_reported_at_the_start(connect: Connect, text: str) -> None:
    with pytest.raises(SettingsError, match="GIGA_CLIENT_BASIC") as caught:
        connect(key=text)

    assert text not in caught.value.detail


@pytest.mark.parametrize(
    "reply", [Reply(), Reply(finish="blacklist"), Reply(text=["один"] * 30, usage=(3, 30)), Reply(tcp_size=5)]
)
async def test_the_vendors_sdk_reads_the_same(server: GigaChatServer, model: ChatModel, reply: Reply) -> None:
    server.default = reply
    heard = await listen(model)
    text, reason, usage = "", "", (0, 0)
    from gigachat import GigaChat  # noqa: PLC0415 - half a second that most tests need not pay
    from gigachat.models import Chat, Messages, MessagesRole  # noqa: PLC0415

    chat = Chat(messages=[Messages(role=MessagesRole.USER, content="Привет")])
    async with GigaChat(
        base_url=server.base_url, auth_url=server.auth_url, credentials=GIGA_KEY, model=SERVED_MODEL
    ) as client:
        async for chunk in client.astream(chat):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
            if chunk.usage:
                usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        counted = await client.atokens_count([text])

    measuring = find_measuring(model)
    assert measuring is not None
    assert heard.text == text
    assert {"stop": "stop", "blacklist": "content_filter"}[reason] == heard.end.reason
    assert (heard.end.usage.prompt_tokens, heard.end.usage.completion_tokens) == usage
    assert await measuring.count_tokens(text) == counted[0].tokens


def test_invalid_bundle_is_reported_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for path, words in [(tmp_path / "none.pem", "cannot be read"), (tmp_path / "empty.pem", "no certificates")]:
        with pytest.raises(SettingsError, match=f"GIGA_CA_BUNDLE.*{words}"):
            build_trust(GigaChatSettings(ca_bundle=path))


def test_switched_off_check_warns(caplog: pytest.LogCaptureFixture) -> None:
    trust = build_trust(GigaChatSettings(verify_ssl=False))

    assert trust.context is not None
    assert trust.context.verify_mode is ssl.CERT_NONE
    assert "GIGA_VERIFY_SSL" in caplog.text
