"""Nothing goes round a proxy: each part of Beseda that speaks HTTP, and a server that counts who came directly."""

import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.abc import ResolveResult

from beseda.core.clock import SystemClock
from beseda.core.errors import BesedaError, SettingsError
from beseda.features.webhooks.base import Hook
from beseda.features.webhooks.http import HttpSender
from beseda.http.client import HttpClient, open_session
from beseda.images.gfpgan_http import GfpganHttp, HttpSettings
from beseda.images.process_pool import ImageProcessPool
from beseda.llm.discovery import find_local_servers
from beseda.llm.gigachat import GigaChatSettings
from beseda.llm.registry import LLMSettings, choose_model
from beseda.speech.registry import SpeechSettings, build_transcriber
from beseda.telegram.client import BotApi
from tests.parts.counting_server import CountingServer, count_connections
from tests.parts.model_server import ModelServer
from tests.parts.proxy_server import serve_proxy
from tests.unit.features.test_webhook_http import Names

DEAD = "http://127.0.0.1:1"


@pytest.fixture
async def stub() -> AsyncIterator[CountingServer]:
    async with count_connections() as server:
        yield server


class Nameless(Names):
    """A machine without name service, as many behind a proxy are."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError("no name service")


async def ask_model(url: str, _: Path) -> None:
    settings = LLMSettings(model="openai:m", api_keys={"openai": "key"}, base_urls={"openai": f"{url}/v1"})
    await check_model(settings)


async def ask_gigachat(url: str, _: Path) -> None:
    key = base64.b64encode(b"id:secret").decode()
    giga = GigaChatSettings(auth_url=f"{url}/oauth")
    await check_model(
        LLMSettings(model="gigachat", api_keys={"gigachat": key}, base_urls={"gigachat": url}, gigachat=giga)
    )


async def check_model(settings: LLMSettings) -> None:
    async with HttpClient() as http:
        health = await (await choose_model(settings, SystemClock(), http)).check()
    assert not health.ok


async def look_for_servers(url: str, _: Path) -> None:
    http = HttpClient()
    try:
        assert await find_local_servers(http, [f"{url}/v1"]) == []
    finally:
        await http.close()


async def transcribe(url: str, folder: Path) -> None:
    (folder / "voice.ogg").write_bytes(b"OggS")
    transcriber = build_transcriber(SpeechSettings("openai:w", {"openai": "key"}, {"openai": f"{url}/v1"}))
    try:
        await transcriber.transcribe(folder / "voice.ogg")
    finally:
        await transcriber.close()


async def call_telegram(url: str, _: Path) -> None:
    async with BotApi("1:token", server=url) as api:
        await api.call("getMe")


async def fetch_file(url: str, folder: Path) -> None:
    async with BotApi("1:token", server=url) as api:
        await api.download("file", folder / "file")


async def enhance_photo(url: str, _: Path) -> None:
    enhancer = GfpganHttp(HttpSettings(url), ImageProcessPool())
    try:
        assert not (await enhancer.check()).ok
    finally:
        await enhancer.close()


async def send_event(url: str, _: Path) -> None:
    sender = HttpSender(allow_private=True, seconds=5)
    try:
        assert (await sender.send(Hook(f"{url}/hook", b"{}"))).status is None
    finally:
        await sender.close()


async def open_any(url: str, _: Path) -> None:
    async with open_session() as session, session.get(url):
        pass


PARTS = [
    ask_model,
    ask_gigachat,
    look_for_servers,
    transcribe,
    call_telegram,
    fetch_file,
    enhance_photo,
    send_event,
    open_any,
]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("part", PARTS)
async def test_nothing_goes_round_a_dead_proxy(
    part: Callable[[str, Path], Awaitable[None]],
    variable: str,
    stub: CountingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, DEAD)
    try:
        await part(stub.url, tmp_path)
    except (BesedaError, OSError) as error:
        assert "Traceback" not in str(error)
    assert stub.connections == 0


@pytest.mark.parametrize(
    "value", ["socks5://127.0.0.1:1", "socks5h://u:p%40ss@[::1]:1", "socks4a://127.0.0.1:1", "ftp://x"]
)
@pytest.mark.parametrize("part", PARTS)
async def test_nothing_goes_round_a_proxy_that_cannot_be_used(
    part: Callable[[str, Path], Awaitable[None]],
    value: str,
    stub: CountingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    try:
        await part(stub.url, tmp_path)
    except SettingsError as error:
        assert error.detail.startswith("ALL_PROXY: ")
        assert "p%40ss" not in error.detail
    assert stub.connections == 0


async def test_a_proxy_carries_requests_with_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_proxy() as proxy, ModelServer() as server:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://ann:p%40ss@"))
        url = server.url.replace("127.0.0.1", "0.0.0.0")
        settings = LLMSettings(model="openai", api_keys={"openai": "key"}, base_urls={"openai": f"{url}/v1"})
        async with HttpClient() as http:
            health = await (await choose_model(settings, SystemClock(), http)).check()
    assert "proxy" not in health.detail
    assert proxy.requests[0].startswith("GET http://0.0.0.0:")
    assert proxy.credentials[0] == f"Basic {base64.b64encode(b'ann:p@ss').decode()}"


async def test_a_proxy_that_refuses_a_tunnel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_proxy() as proxy:
        proxy.refuse_with = "407 Proxy Authentication Required"
        monkeypatch.setenv("https_proxy", proxy.url)
        urls = {"openai": "https://0.0.0.0:9/v1"}
        settings = LLMSettings(model="openai:m", api_keys={"openai": "key"}, base_urls=urls)
        async with HttpClient() as http:
            health = await (await choose_model(settings, SystemClock(), http)).check()
    assert "the proxy of the environment refused it: HTTP 407" in health.detail


async def test_a_receiver_on_the_own_network_is_not_reached_by_way_of_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve_proxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        sender = HttpSender(seconds=5, resolver=Names(["10.0.0.1"]))
        reply = await sender.send(Hook("https://crm.example.org/hook", b"{}"))
        await sender.close()
    assert (reply.status, reply.error) == (None, "Its name leads to a private address.")
    assert proxy.requests == []


async def test_a_receiver_known_only_to_the_proxy_is_reached_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve_proxy() as proxy:
        proxy.refuse_with = "502 Bad Gateway"
        monkeypatch.setenv("https_proxy", proxy.url)
        sender = HttpSender(seconds=5, resolver=Nameless())
        reply = await sender.send(Hook("https://crm.example.org/hook", b"{}"))
        await sender.close()
    assert (reply.status, reply.error) == (None, "The proxy cannot reach it.")
    assert proxy.requests == ["CONNECT crm.example.org:443 HTTP/1.1"]
