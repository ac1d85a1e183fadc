"""How parameters and files travel."""

import io

import aiohttp
import pytest

from botapi_sandbox import SandboxUser
from tests.parts.media_samples import make_jpeg_head, make_opus, make_png
from tests.parts.sandboxes import ANNA, FORUM, BotClient

MEBIBYTE = 1024 * 1024


async def test_parameters_come_by_query_form_multipart_and_json(bot: BotClient) -> None:
    url = f"{bot.base_url}/bot{bot.token}/SENDmessage"
    params = {"chat_id": str(ANNA), "text": "привет"}
    multipart = aiohttp.FormData(default_to_multipart=True)
    for name, value in params.items():
        multipart.add_field(name, value)
    for options in ({"params": params}, {"data": params}, {"data": multipart}, {"json": params}):
        async with bot.session.post(url, **options) as response:
            assert (await response.json())["result"]["text"] == "привет"
    async with bot.session.get(url, params=params) as response:
        assert response.status == 200


async def test_malformed_json_is_refused(bot: BotClient) -> None:
    url = f"{bot.base_url}/bot{bot.token}/getMe"
    async with bot.session.post(url, data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert response.status == 400


async def test_upload_above_fifty_megabytes_is_refused(bot: BotClient) -> None:
    form = aiohttp.FormData({"chat_id": str(ANNA)})
    form.add_field("document", io.BytesIO(b"\0" * (52 * MEBIBYTE)), filename="a.bin")
    async with bot.session.post(f"{bot.base_url}/bot{bot.token}/sendDocument", data=form) as response:
        answer = await response.json()
    assert (answer["error_code"], answer["description"]) == (413, "Request Entity Too Large")


async def send_photo(bot: BotClient, data: bytes) -> str:
    form = aiohttp.FormData({"chat_id": str(ANNA)})
    form.add_field("photo", io.BytesIO(data), filename="a.png")
    answer = await bot.post("sendPhoto", form)
    return str(answer.get("description", "sent"))


async def test_photo_is_looked_at(bot: BotClient) -> None:
    assert await send_photo(bot, make_png()) == "sent"
    assert await send_photo(bot, b"not a picture") == "Bad Request: IMAGE_PROCESS_FAILED"
    assert await send_photo(bot, b"") == "Bad Request: file must be non-empty"
    assert await send_photo(bot, make_jpeg_head(9_000, 1_001)) == "Bad Request: PHOTO_INVALID_DIMENSIONS"
    assert await send_photo(bot, make_jpeg_head(2_001, 100)) == "Bad Request: PHOTO_INVALID_DIMENSIONS"
    big = await send_photo(bot, b"\0" * (10 * MEBIBYTE + 1))
    assert big.endswith("bytes is too big for a photo; the maximum size is 10485760 bytes")


async def test_voice_of_a_user_can_be_downloaded_by_the_bot(bot: BotClient, anna: SandboxUser) -> None:
    data = make_opus(5)
    await anna.send_voice(data)
    (update,) = await bot.get("getUpdates")
    voice = update["message"]["voice"]
    assert (voice["duration"], voice["file_size"], voice["mime_type"]) == (5, len(data), "audio/ogg")
    file = await bot.get("getFile", file_id=voice["file_id"])
    assert file["file_path"] == "voice/file_1.oga"
    async with bot.session.get(f"{bot.base_url}/file/bot{bot.token}/{file['file_path']}") as response:
        assert await response.read() == data
    async with bot.session.get(f"{bot.base_url}/sandbox/api/files/{voice['file_id']}") as response:
        assert await response.read() == data


async def test_hostile_file_name_stays_a_name(bot: BotClient, anna: SandboxUser) -> None:
    sent = await anna.send_file(b"<svg/>", "document", "../../evil\\..\\x.svg")
    assert sent["document"]["file_name"] == "x.svg"
    async with bot.session.get(f"{bot.base_url}/sandbox/api/files/{sent['document']['file_id']}") as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")


async def test_unknown_file_and_foreign_token_get_nothing(bot: BotClient) -> None:
    for path, status in ((f"/file/bot{bot.token}/../../etc/passwd", 404), ("/file/bot1:x/voice/file_1.oga", 401)):
        async with bot.session.get(bot.base_url + path) as response:
            assert response.status == status


async def test_reply_in_a_forum_stays_in_its_topic(bot: BotClient) -> None:
    first = await bot.get("sendMessage", chat_id=FORUM, text="тема", message_thread_id=2)
    reply = await bot.get(
        "sendMessage", chat_id=FORUM, text="ответ", reply_parameters={"message_id": first["message_id"]}
    )
    assert reply["message_thread_id"] == 2
    assert reply["reply_to_message"]["text"] == "тема"


async def test_method_that_is_not_there_yet_answers_501_and_is_logged(bot: BotClient) -> None:
    answer = await bot.call("SendDice", chat_id=ANNA, emoji="🎲")
    words = "Not Implemented: the sandbox does not know sendDice yet (docs/sandbox.md)"
    assert answer == {"ok": False, "error_code": 501, "description": words}
    (call,) = (await bot.user_side("GET", "/calls", params={"method": "sendDice"}))["calls"]
    assert (call["status"], call["params"]) == (501, {"chat_id": ANNA, "emoji": "🎲"})


async def test_method_that_no_bot_api_has_answers_404_and_is_logged(bot: BotClient) -> None:
    assert await bot.refused("getMoney") == "Not Found: method not found"
    (call,) = (await bot.user_side("GET", "/calls", params={"method": "getMoney"}))["calls"]
    assert call["status"] == 404


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/bot{token}/", 404, "Not Found: method not found"),
        ("/bot{token}", 404, "Not Found"),
        ("/botnonsense/getMe", 401, "Unauthorized: invalid token specified"),
        ("/bot012:abc/getMe", 401, "Unauthorized: invalid token specified"),
        ("/bot12:abc/getMe", 401, "Unauthorized"),
    ],
)
async def test_wrong_paths_and_tokens_are_answered_in_json(bot: BotClient, path: str, status: int, words: str) -> None:
    async with bot.session.get(bot.base_url + path.format(token=bot.token)) as response:
        assert await response.json() == {"ok": False, "error_code": status, "description": words}
        assert response.status == status


async def test_429_names_its_wait_in_a_header_too(bot: BotClient) -> None:
    await bot.fail_next("error", status=429, retry_after=7)
    async with bot.session.get(f"{bot.base_url}/bot{bot.token}/getMe") as response:
        assert response.headers["Retry-After"] == "7"


async def test_a_chat_that_moved_is_named_in_telegrams_words(bot: BotClient) -> None:
    await bot.fail_next("error", status=400, migrate_to_chat_id=FORUM)
    answer = await bot.call("sendMessage", chat_id=-5, text="x")
    assert answer["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert answer["parameters"] == {"migrate_to_chat_id": FORUM}
