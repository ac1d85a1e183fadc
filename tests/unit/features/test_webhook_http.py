"""Where events are never sent, however the address is written and whatever its name answers."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from beseda.features.webhooks.base import Hook
from beseda.features.webhooks.http import HttpSender, is_public
from tests.parts.webhook_receiver import receive_events

SERVER = Path(__file__).parents[2] / "samples" / "tls" / "server.pem"


class Names(AbstractResolver):
    """Names that lead where a test says: one answer after another, the last one again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=item, port=port, family=socket.AF_INET, proto=0, flags=0)
            for item in answer
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "100.64.0.1",
        "100.93.82.48",
        "169.254.169.254",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "64:ff9b:1::a00:1",
        "fec0::1",
        "3fff::1",
        "192.0.0.8",
        "168.63.129.16",
        "nonsense",
        "",
    ],
)
def test_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crm.example.org",
        "http://crm.example.org/hook",
        "ftp://crm.example.org/",
        "https:///hook",
        "https://user:password@crm.example.org/",
        "https://crm.example.org/#x",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://api.localhost/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://127.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://ｌocalhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://crm.example.org:99999/",
        "https://crm.example.org/" + "x" * 2000,
        "javascript:alert(1)",
        "https://[/",
        "https://crm.exam ple.org/",
        "https://crm.example.org/\r\nX: y",
    ],
)
def test_address_is_refused_when_set(url: str) -> None:
    assert HttpSender().find_fault(url)


def test_public_address_may_be_set() -> None:
    assert HttpSender().find_fault("https://crm.example.org:8443/hook?tenant=7") == ""


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["169.254.169.254"]])
async def test_name_that_leads_inside_is_not_connected_to(answer: list[str]) -> None:
    sender = HttpSender(resolver=Names(answer), seconds=5)
    reply = await sender.send(Hook("https://crm.example.org/hook", b"{}"))
    await sender.close()
    assert (reply.status, "private" in reply.error) == (None, True)


async def test_name_is_resolved_once_and_its_answer_is_connected_to() -> None:
    # Rebinding: what is looked at is the first answer, the receiver is where the next one leads.
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with receive_events() as receiver:
        sender = HttpSender(allow_private=True, resolver=names, seconds=5)
        reply = await sender.send(Hook(receiver.url.replace("127.0.0.1", "crm.example.org"), b"{}"))
        await sender.close()
    assert (reply.status, names.asked, receiver.received) == (None, 1, [])


@pytest.mark.parametrize("host", ["0x7f.1", "0x7f000001", "127.0.0.1.nip.io", "LOCALTEST.me"])
async def test_other_ways_to_write_loopback_are_looked_up_and_refused(host: str) -> None:
    names = Names(["127.0.0.1"])  # what a system makes of them
    sender = HttpSender(resolver=names, seconds=5)
    reply = await sender.send(Hook(f"https://{host}/hook", b"{}"))
    await sender.close()
    assert (reply.status, "private" in reply.error) == (None, True)


async def test_redirect_is_not_followed() -> None:
    async with receive_events() as receiver, receive_events() as inside:
        receiver.answers.append(307)
        receiver.headers = {"Location": inside.url}
        sender = HttpSender(allow_private=True)
        reply = await sender.send(Hook(receiver.url, b"{}"))
        await sender.close()
    assert (reply.status, "redirects" in reply.error) == (307, True)
    assert inside.received == []


async def test_certificate_of_an_unknown_issuer_is_not_trusted() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SERVER)  # signed by an authority of our own
    taken = []

    async def take(request: web.Request) -> web.Response:
        taken.append(request)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    sender = HttpSender(allow_private=True, seconds=5)
    reply = await sender.send(Hook(f"https://127.0.0.1:{port}/", b"{}"))
    await sender.close()
    await runner.cleanup()
    assert (reply.status, taken) == (None, [])
    assert "certificate" in reply.error


@pytest.mark.parametrize(
    ("told", "wait"), [("30", 30.0), ("99999999", 6 * 3600.0), ("-5", None), ("soon", None), ("9" * 400, None)]
)
async def test_receivers_wish_is_read_within_bounds(told: str, wait: float | None) -> None:
    async with receive_events() as receiver:
        receiver.answers.append(503)
        receiver.headers = {"Retry-After": told}
        sender = HttpSender(allow_private=True)
        reply = await sender.send(Hook(receiver.url, b"{}"))
        await sender.close()
    assert reply.retry_after == wait


async def test_port_without_a_server() -> None:
    async with receive_events() as receiver:
        url = receiver.url
    sender = HttpSender(allow_private=True)
    reply = await sender.send(Hook(url, b"{}"))
    await sender.close()
    assert reply.error == "It cannot be connected to."


async def test_sender_that_is_cancelled_lets_go() -> None:
    async with receive_events() as receiver:
        receiver.answers.append("hang")
        sender = HttpSender(allow_private=True)
        task = asyncio.create_task(sender.send(Hook(receiver.url, b"{}")))
        async with asyncio.timeout(5):
            while not receiver.received:  # noqa: ASYNC110 - the receiver has no event to wait for
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await sender.close()
