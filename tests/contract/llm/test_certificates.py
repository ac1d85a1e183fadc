"""A server whose certificate an authority of its own has signed, as GigaChat's is."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beseda.core.clock import SystemClock
from beseda.core.errors import UnavailableError
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel
from beseda.llm.gigachat import GigaChatSettings, build_gigachat
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from tests.contract.llm.conftest import KEY, QUICK, find_row
from tests.parts.gigachat_server import GIGA_KEY, GigaChatServer
from tests.parts.model_events import listen
from tests.parts.model_server import SERVED_MODEL

SAMPLES = Path(__file__).parents[2] / "samples" / "tls"  # for these tests only; the authority's key is gone
AUTHORITY = SAMPLES / "authority.pem"


@pytest.fixture
async def server() -> AsyncIterator[GigaChatServer]:
    server = GigaChatServer()
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(SAMPLES / "server.pem")
    async with server as running:
        yield running


def connect(server: GigaChatServer, http: HttpClient, settings: GigaChatSettings) -> ChatModel:
    row = find_row("gigachat")
    connection = Connection(endpoint=row, base_url=server.base_url, model=SERVED_MODEL, api_key=GIGA_KEY)
    return build_gigachat(connection, http, QUICK, settings, SystemClock())


async def test_unknown_authority_names_the_bundle_to_get(server: GigaChatServer, http: HttpClient) -> None:
    with pytest.raises(UnavailableError, match=r"not trusted.*Russian Trusted Root CA.*gosuslugi\.ru/crt.*GIGA_CA_B"):
        await listen(connect(server, http, GigaChatSettings(auth_url=server.auth_url)))

    assert not server.token_requests


async def test_bundle_makes_it_known(server: GigaChatServer, http: HttpClient) -> None:
    model = connect(server, http, GigaChatSettings(auth_url=server.auth_url, ca_bundle=AUTHORITY))

    assert (await listen(model)).text
    assert (await model.check()).ok


async def test_wrong_bundle_is_named(server: GigaChatServer, http: HttpClient) -> None:
    settings = GigaChatSettings(auth_url=server.auth_url, ca_bundle=SAMPLES / "other.pem")
    with pytest.raises(UnavailableError, match=r"GIGA_CA_BUNDLE=.*other\.pem does not hold its authority"):
        await listen(connect(server, http, settings))


async def test_check_may_be_switched_off(server: GigaChatServer, http: HttpClient) -> None:
    model = connect(server, http, GigaChatSettings(auth_url=server.auth_url, verify_ssl=False))

    assert (await listen(model)).text


async def test_trust_of_one_is_not_trust_of_all(server: GigaChatServer, http: HttpClient) -> None:
    await listen(connect(server, http, GigaChatSettings(auth_url=server.auth_url, verify_ssl=False)))
    other = Connection(endpoint=find_row("vllm"), base_url=server.base_url, model=SERVED_MODEL, api_key=KEY)
    with pytest.raises(UnavailableError, match=r"not trusted.*SSL_CERT_FILE"):
        await listen(OpenAICompatibleModel(other, http, QUICK))


async def test_http_to_a_server_that_expects_https(http: HttpClient) -> None:
    async with GigaChatServer() as plain:
        url = plain.base_url.replace("http://", "https://")
        other = Connection(endpoint=find_row("vllm"), base_url=url, model=SERVED_MODEL)
        with pytest.raises(UnavailableError, match="https:// where http:// is spoken"):
            await listen(OpenAICompatibleModel(other, http, QUICK))
