"""The vendors' own SDKs read the scripted server as we do: neither the server nor our wire made the protocol up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from beseda.core.errors import CreditExhaustedError, KeyRejectedError, QuotaExceededError
from beseda.http.endpoints import find_endpoint
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from tests.contract.llm.conftest import KEY, QUICK
from tests.parts.later import LateModule
from tests.parts.model_events import listen
from tests.parts.model_server import SERVED_MODEL, ModelServer, Reply, refuse

if TYPE_CHECKING:
    import groq
    import openai

    from beseda.http.client import HttpClient
else:
    groq, openai = LateModule("groq"), LateModule("openai")

REPLIES = [
    Reply(),
    Reply(tcp_size=5),
    Reply(comments=["PROCESSING"], reasoning="Hmm."),
    Reply(text=["one"] * 50, usage=(3, 50)),
    Reply(finish="length"),
]


def connect(server: ModelServer, http: HttpClient, name: str) -> OpenAICompatibleModel:
    row = find_endpoint(name)
    assert row is not None
    connection = Connection(endpoint=row, base_url=server.base_url, model=SERVED_MODEL, api_key=KEY)
    return OpenAICompatibleModel(connection, http, QUICK)


@pytest.mark.parametrize("reply", REPLIES)
async def test_openai_sdk_reads_the_same(server: ModelServer, http: HttpClient, reply: Reply) -> None:
    server.default = reply
    heard = await listen(connect(server, http, "openai"))
    text, reason, usage = "", "", (0, 0)
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model=SERVED_MODEL,
            messages=[{"role": "user", "content": "Привет"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
            if chunk.usage:
                usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)

    assert (heard.text, str(heard.end.reason)) == (text, reason)
    assert (heard.end.usage.prompt_tokens, heard.end.usage.completion_tokens) == usage


@pytest.mark.parametrize("reply", REPLIES)
async def test_groq_sdk_reads_the_same(server: ModelServer, http: HttpClient, reply: Reply) -> None:
    server.default = reply
    heard = await listen(connect(server, http, "groq"))
    text, reason = "", ""
    async with groq.AsyncGroq(base_url=server.url, api_key=KEY, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model=SERVED_MODEL, messages=[{"role": "user", "content": "Привет"}], stream=True
        )
        async for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason

    assert server.requests[-1].path == "/openai/v1/chat/completions"
    assert (heard.text, str(heard.end.reason)) == (text, reason)


async def test_usage_in_a_wrapper_is_read_if_the_table_has_one(server: ModelServer, http: HttpClient) -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],'
    usage = b'"x_groq":{"usage":{"prompt_tokens":4,"completion_tokens":1}}}\n\n'
    server.script(Reply(raw=[chunk + usage]))

    assert (await listen(connect(server, http, "groq"))).end.usage.prompt_tokens == 4


@pytest.mark.parametrize(
    ("reply", "ours", "theirs"),
    [
        (refuse(401), KeyRejectedError, "AuthenticationError"),
        (refuse(402), CreditExhaustedError, "APIStatusError"),
        (refuse(429, headers={"Retry-After": "3"}), QuotaExceededError, "RateLimitError"),
    ],
)
async def test_openai_sdk_sees_the_same_refusals(
    server: ModelServer, http: HttpClient, reply: Reply, ours: type[Exception], theirs: str
) -> None:
    server.default = reply
    with pytest.raises(ours):
        await listen(connect(server, http, "openai"))
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        with pytest.raises(getattr(openai, theirs)):
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])


async def test_groq_sdk_sees_the_same_refusal(server: ModelServer, http: HttpClient) -> None:
    server.default = refuse(429, headers={"Retry-After": "3"})
    with pytest.raises(QuotaExceededError):
        await listen(connect(server, http, "groq"))
    async with groq.AsyncGroq(base_url=server.url, api_key=KEY, max_retries=0, timeout=httpx.Timeout(5)) as client:
        with pytest.raises(groq.RateLimitError):
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])
