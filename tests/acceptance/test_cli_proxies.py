"""Commands behind a proxy: nothing goes round it, and one that cannot be used is named."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.parts.counting_server import CountingServer, count_connections

DEAD = "http://127.0.0.1:1"


@pytest.fixture
async def stub() -> AsyncIterator[CountingServer]:
    async with count_connections() as server:
        yield server


@pytest.fixture
def proxied(tmp_path: Path, stub: CountingServer) -> Program:
    environ = {"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": f"{stub.url}/v1", "BESEDA_MODEL": "openai:m"}
    environ |= {"BOT_TOKEN": "1:token", "TELEGRAM_API_URL": stub.url, "BESEDA_SPEECH": "openai:w"}
    return Program(tmp_path, environ)


COMMANDS = [("ask", "hi"), ("doctor",), ("transcribe", "a.wav"), ("ask", "hi", "--compare", "openai:a,openai:b")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_a_socks_proxy_is_refused_by_name(
    command: tuple[str, ...], proxied: Program, stub: CountingServer
) -> None:
    (proxied.folder / "a.wav").write_bytes(_silence())
    outcome = await proxied.with_environ(ALL_PROXY="socks5h://u:p%40ss@[::1]:1")(*command)
    told = outcome.out + outcome.err
    assert (outcome.code != 0, "ALL_PROXY: SOCKS proxies are not supported" in told, "p%40ss" in told) == (
        True,
        True,
        False,
    ), told
    assert "Traceback" not in told
    assert stub.connections == 0


@pytest.mark.parametrize("command", [*COMMANDS, ("bot",)], ids=" ".join)
async def test_a_proxy_of_the_env_file_is_not_gone_round(
    command: tuple[str, ...], proxied: Program, stub: CountingServer
) -> None:
    (proxied.folder / "a.wav").write_bytes(_silence())
    (proxied.folder / ".env").write_text("ALL_PROXY=socks5://127.0.0.1:1\n")
    outcome = await proxied(*command)
    assert "ALL_PROXY" in outcome.out + outcome.err
    assert outcome.code != 0
    assert stub.connections == 0


async def test_a_dead_proxy_is_named(proxied: Program, stub: CountingServer) -> None:
    outcome = await proxied.with_environ(HTTP_PROXY=DEAD)("ask", "hi")
    assert (outcome.code, "no connection to the proxy of the environment, 127.0.0.1:1" in outcome.complaint) == (
        1,
        True,
    )
    assert stub.connections == 0


def _silence() -> bytes:
    """Return a second of a quiet tone as WAV."""
    samples = b"\x00\x10\x00\xf0" * 8000
    head = (
        b"RIFF"
        + (36 + len(samples)).to_bytes(4, "little")
        + b"WAVEfmt "
        + bytes.fromhex("1000000001000100803e0000007d000002001000")
    )
    return head + b"data" + len(samples).to_bytes(4, "little") + samples
