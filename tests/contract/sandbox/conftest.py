from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from botapi_sandbox import RunningSandbox
from tests.parts.media_samples import make_png
from tests.parts.sandboxes import ANNA, FORUM, GROUP, OTHER_TOKEN, BotClient, as_user, open_sandbox

MEBIBYTE = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSandbox]:
    async with open_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(running: RunningSandbox) -> AsyncIterator[BotClient]:
    async with aiohttp.ClientSession() as session:
        yield BotClient(running.base_url, session)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def facts(running: RunningSandbox, bot: BotClient) -> dict[str, Any]:
    """Messages and files that the table of refusals names with a dollar sign."""
    keys = {"keyboard": [["Меню"]]}
    inline = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
    form = aiohttp.FormData({"chat_id": str(ANNA), "caption": "подпись"})
    form.add_field("photo", make_png(), filename="a.png")
    async with as_user(running) as anna:
        said = await anna.say("привет")
        big = await anna.send_file(b"\0" * (20 * MEBIBYTE + 1), "document", "big.bin")
        small = await anna.send_file(b"text", "document", "small.txt")
        async with as_user(running, ANNA, f"group:{GROUP}") as member:
            said_in_group = await member.say("всем привет")
    text = (await bot.get("sendMessage", chat_id=ANNA, text="<b>один</b>", parse_mode="HTML"))["message_id"]
    forward = await bot.get("forwardMessage", chat_id=ANNA, from_chat_id=ANNA, message_id=text)
    force, remove = {"force_reply": True}, {"remove_keyboard": True}
    other = bot.with_token(OTHER_TOKEN)
    stored = await bot.get("sendMessage", chat_id=ANNA, text="тайна", protect_content=True)
    document = aiohttp.FormData({"chat_id": str(ANNA)})
    document.add_field("document", b"text", filename="a.txt")
    return {
        "$anna": ANNA,
        "$group": GROUP,
        "$forum": FORUM,
        "$protected": stored["message_id"],
        "$own_in_group": (await bot.get("sendMessage", chat_id=GROUP, text="сам"))["message_id"],
        "$others_file": (await other.post("sendDocument", document))["result"]["document"]["file_id"],
        "$forced": (await bot.get("sendMessage", chat_id=ANNA, text="имя?", reply_markup=force))["message_id"],
        "$removed": (await bot.get("sendMessage", chat_id=ANNA, text="убрал", reply_markup=remove))["message_id"],
        "$others": (await other.get("sendMessage", chat_id=GROUP, text="второй"))["message_id"],
        "$said": said["message_id"],
        "$said_in_group": said_in_group["message_id"],
        "$text": text,
        "$forward": forward["message_id"],
        "$inline": (await bot.get("sendMessage", chat_id=ANNA, text="так?", reply_markup=inline))["message_id"],
        "$keys": (await bot.get("sendMessage", chat_id=ANNA, text="меню", reply_markup=keys))["message_id"],
        "$photo": (await bot.post("sendPhoto", form))["result"]["message_id"],
        "$big": big["document"]["file_id"],
        "$small": small["document"]["file_id"],
    }
