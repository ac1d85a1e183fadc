"""Files as bots send and use them: ids of their own, links to this machine, animations, stickers."""

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from botapi_sandbox import SandboxUser
from tests.parts.media_samples import make_png
from tests.parts.sandboxes import ANNA, GROUP, OTHER_TOKEN, BotClient


async def upload(bot: BotClient, method: str, name: str, data: bytes, **params: str) -> dict[str, Any]:
    form = aiohttp.FormData({"chat_id": str(ANNA), **params})
    form.add_field(
        method.removeprefix("send").lower().replace("videonote", "video_note"), io.BytesIO(data), filename=name
    )
    result: dict[str, Any] = (await bot.post(method, form))["result"]
    return result


async def test_a_file_id_is_of_use_to_its_bot_only(bot: BotClient, anna: SandboxUser) -> None:
    other = bot.with_token(OTHER_TOKEN)
    for file_id in (
        (await upload(bot, "sendDocument", "a.txt", b"text"))["document"]["file_id"],
        (await anna.send_file(b"x", "document", "a.txt"))["document"]["file_id"],
    ):
        await bot.get("sendDocument", chat_id=ANNA, document=file_id)
        refused = await other.refused("sendDocument", chat_id=ANNA, document=file_id)
        assert refused == "Bad Request: wrong file identifier/HTTP URL specified"
        assert await other.refused("getFile", file_id=file_id) == "Bad Request: invalid file_id"


async def test_a_file_in_a_group_is_of_use_to_all_its_bots(bot: BotClient) -> None:
    async with SandboxUser(bot.base_url, ANNA, f"group:{GROUP}") as member:
        file_id = (await member.send_file(b"x", "document", "a.txt"))["document"]["file_id"]
        for client in (bot, bot.with_token(OTHER_TOKEN)):
            await client.get("getFile", file_id=file_id)


async def test_a_reply_to_a_bots_file_gives_it_to_the_other_bots(bot: BotClient) -> None:
    form = aiohttp.FormData({"chat_id": str(GROUP)})
    form.add_field("photo", make_png(), filename="a.png")
    sent = (await bot.post("sendPhoto", form))["result"]
    other, file_id = bot.with_token(OTHER_TOKEN), sent["photo"][0]["file_id"]
    assert await other.refused("getFile", file_id=file_id) == "Bad Request: invalid file_id"
    async with SandboxUser(bot.base_url, ANNA, f"group:{GROUP}") as member:
        await member.say("@second_bot что это?", reply_to_message_id=sent["message_id"])
    await other.get("getFile", file_id=file_id)


@pytest.mark.parametrize("method", ["sendVideo", "sendAudio", "sendVideoNote", "sendAnimation"])
async def test_text_in_the_clothes_of_media_comes_back_as_a_document(bot: BotClient, method: str) -> None:
    sent = await upload(bot, method, "a.mp4", "просто текст".encode())
    assert sent["document"]["file_name"] == "a.mp4"
    assert not {"video", "audio", "video_note", "animation"} & sent.keys()


async def test_animation_is_a_document_too(bot: BotClient) -> None:
    sent = await upload(bot, "sendAnimation", "wait.gif", b"GIF89a\x40\x00\x20\x00\x80\0\0", caption="ждите")
    assert (sent["animation"]["width"], sent["animation"]["height"]) == (64, 32)
    assert sent["document"]["file_id"] == sent["animation"]["file_id"]
    assert sent["caption"] == "ждите"


async def test_stickers_come_from_the_set_or_from_a_file(bot: BotClient) -> None:
    found = await bot.get("getStickerSet", name="sandboxsquares")
    assert [sticker["emoji"] for sticker in found["stickers"]] == ["👍", "❤", "🎉"]
    first = found["stickers"][0]
    assert (first["width"], first["height"], first["is_animated"]) == (512, 512, False)
    sent = await bot.get("sendSticker", chat_id=ANNA, sticker=first["file_id"])
    assert sent["sticker"] == first
    assert (await bot.get("getStickerSet", name="SandboxSquares"))["stickers"] == found["stickers"]
    assert await bot.refused("getStickerSet", name="Nothing") == "Bad Request: STICKERSET_INVALID"
    refused = await bot.refused("sendPhoto", chat_id=ANNA, photo=first["file_id"])
    assert refused == "Bad Request: can't use file of type Sticker as Photo"
    assert (await upload(bot, "sendSticker", "a.webp", make_png()))["sticker"]["type"] == "regular"


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """An image server on this machine, with traps."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        for _ in range(6 * 16 + 1):
            await response.write(b"\0" * (1 << 16))
        return response

    async def show(request: web.Request) -> web.StreamResponse:
        return web.Response(body=make_png(9, 7), content_type="image/png")

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    async def away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/a.png")

    app = web.Application()
    for path, handler in (("/a.png", show), ("/page", page), ("/away", away), ("/endless", endless)):
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_picture_by_a_link_to_this_machine_is_fetched(bot: BotClient, server: str) -> None:
    sent = await bot.get("sendPhoto", chat_id=ANNA, photo=f"{server}/a.png")
    assert (sent["photo"][0]["width"], sent["photo"][0]["height"]) == (9, 7)
    document = (await bot.get("sendDocument", chat_id=ANNA, document=f"{server}/a.png"))["document"]
    assert (document["file_name"], document["mime_type"]) == ("a.png", "image/png")
    album = [{"type": "photo", "media": f"{server}/a.png"}] * 2
    assert len(await bot.get("sendMediaGroup", chat_id=ANNA, media=album)) == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "failed to get HTTP URL content"),
        ("/away", "failed to get HTTP URL content"),
        ("/endless", "failed to get HTTP URL content"),
        ("/page", "wrong type of the web page content"),
    ],
)
async def test_a_link_that_leads_to_no_picture_is_refused(bot: BotClient, server: str, path: str, words: str) -> None:
    assert await bot.refused("sendPhoto", chat_id=ANNA, photo=server + path) == f"Bad Request: {words}"


@pytest.mark.parametrize("url", ["https://example.invalid/a.png", "http://10.0.0.1/a", "http://[::2]/a"])
async def test_no_other_address_is_contacted(bot: BotClient, url: str) -> None:
    assert await bot.refused("sendPhoto", chat_id=ANNA, photo=url) == "Bad Request: failed to get HTTP URL content"
