"""Clients that break off, uploads beyond all limits, a machine without Telegram's library."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from botapi_sandbox import SandboxUser
from tests.parts.sandboxes import ANNA, TOKEN, BotClient, as_user, open_sandbox
from tests.parts.waiting import eventually

UPLOADS = [f"/bot{TOKEN}/sendDocument", f"/sandbox/api/dialogs/first_bot:{ANNA}/files"]
BOUNDARY = "limit"


async def connect(base_url: str, path: str, length: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the head of a multipart upload of so many bytes, and its first bytes."""
    address = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {length}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="document"; filename="a.bin"\r\n\r\n'
    )
    writer.write(head.encode())
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("path", UPLOADS, ids=["bot", "user"])
async def test_client_that_closes_in_mid_upload_leaves_no_trace(
    bot: BotClient, anna: SandboxUser, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    _, writer = await connect(bot.base_url, path, 1 << 20)
    writer.write(b"x" * 1000)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    if path == UPLOADS[0]:

        async def is_logged() -> bool:
            calls = (await bot.user_side("GET", "/calls", params={"method": "sendDocument"}))["calls"]
            return any("closed in the middle" in call["error"] for call in calls)

        await eventually(is_logged)
    await bot.get("sendMessage", chat_id=ANNA, text="дальше")
    assert [message["text"] for message in await anna.history()] == ["дальше"]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("path", UPLOADS, ids=["bot", "user"])
async def test_upload_of_two_gigabytes_is_refused_by_its_size_alone(bot: BotClient, path: str) -> None:
    reader, writer = await connect(bot.base_url, path, 2 << 30)
    status = await asyncio.wait_for(reader.readline(), 30)
    assert status.split()[1] == b"413"
    writer.close()
    await writer.wait_closed()
    await bot.get("getMe")


async def test_upload_without_a_size_is_refused_once_it_is_too_long(bot: BotClient) -> None:
    async def pour() -> AsyncIterator[bytes]:
        yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="document"; filename="a.bin"\r\n\r\n'.encode()
        for _ in range(52):
            yield b"\0" * (1 << 20)

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    try:
        async with bot.session.post(bot.base_url + UPLOADS[0], data=pour(), headers=headers) as response:
            assert response.status == 413
    except aiohttp.ClientConnectionError:
        pass  # the server closed the connection before the client had read its answer
    calls = (await bot.user_side("GET", "/calls", params={"method": "sendDocument"}))["calls"]
    assert [call["status"] for call in calls] == [413]


async def test_sandbox_works_without_tdjson_and_reports_it(
    tmp_path: Path,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "tdjson", None)
    async with open_sandbox(tmp_path) as running, as_user(running) as anna:
        bot = BotClient(running.base_url, session)
        assert (await bot.user_side("GET", "/state"))["parser"] == "simple"
        assert "not as strict as Telegram" in caplog.text
        await anna.say("/start @first_bot")
        entities = (await bot.get("getUpdates"))[0]["message"]["entities"]
        assert [entity["type"] for entity in entities] == ["bot_command", "mention"]
        html = '<b>😀 раз</b> &lt; <a href="https://a.b/">два</a> https://c.d/e.'
        sent = await bot.get("sendMessage", chat_id=ANNA, text=html, parse_mode="HTML")
        assert sent["text"] == "😀 раз < два https://c.d/e."
        assert [(one["type"], one["offset"], one["length"]) for one in sent["entities"]] == [
            ("bold", 0, 6), ("text_link", 9, 3), ("url", 13, 13)
        ]  # fmt: skip
        for wrong in ("<b>x", "<b><i>x</b></i>", "<h1>x</h1>"):
            refused = await bot.refused("sendMessage", chat_id=ANNA, text=wrong, parse_mode="HTML")
            assert refused.startswith("Bad Request: can't parse entities")
        keyboard = {"inline_keyboard": [[{"text": "x", "url": "https://a.b"}]]}
        await bot.get("sendMessage", chat_id=ANNA, text="*x*", parse_mode="MarkdownV2", reply_markup=keyboard)


async def test_sandbox_names_telegrams_parser_if_present(bot: BotClient) -> None:
    assert (await bot.user_side("GET", "/state"))["parser"] == "tdlib"
