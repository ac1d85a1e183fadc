import asyncio

import aiohttp
import pytest

from botapi_sandbox import SandboxUser
from tests.parts.sandboxes import ANNA, GROUP, BotClient


async def test_error_comes_as_often_as_asked(bot: BotClient) -> None:
    await bot.fail_next("error", method="sendMessage", status=429, retry_after=3, count=2)
    for _ in range(2):
        answer = await bot.call("sendMessage", chat_id=ANNA, text="x")
        assert answer["parameters"] == {"retry_after": 3}
        assert answer["description"] == "Too Many Requests: retry after 3"
    await bot.get("sendMessage", chat_id=ANNA, text="x")


async def test_error_meets_only_its_bot_and_method(bot: BotClient) -> None:
    await bot.fail_next("error", bot="second_bot", method="GETME", status=502)
    await bot.get("getMe")
    assert (await bot.with_token("1000000002:sandbox-test-token-two").call("getme"))["error_code"] == 502


@pytest.mark.parametrize(("kind", "shown"), [("drop_before", []), ("drop_after", ["x"])])
async def test_dropped_connection_returns_nothing(
    bot: BotClient, anna: SandboxUser, kind: str, shown: list[str]
) -> None:
    await bot.fail_next(kind, method="sendMessage")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await bot.call("sendMessage", chat_id=ANNA, text="x")
    assert [message["text"] for message in await anna.history()] == shown


async def test_html_comes_like_from_a_proxy(bot: BotClient) -> None:
    await bot.fail_next("html", status=502)
    async with bot.session.get(f"{bot.base_url}/bot{bot.token}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")


async def test_slow_answers_late_but_answers(bot: BotClient) -> None:
    await bot.fail_next("slow", seconds=0.05)
    started = asyncio.get_running_loop().time()
    await bot.get("getMe")
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_hang_lasts_until_the_caller_gives_up(bot: BotClient) -> None:
    await bot.fail_next("hang", method="getMe")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.call("getMe"), 0.2)
    await bot.get("getMe")


async def test_last_batch_is_repeated_whatever_the_offset(bot: BotClient, anna: SandboxUser) -> None:
    await anna.say("привет")
    (first,) = await bot.get("getUpdates")
    await bot.fail_next("repeat_update")
    (again,) = await bot.get("getUpdates", offset=first["update_id"] + 1)
    assert again == first
    assert await bot.get("getUpdates", offset=first["update_id"] + 1) == []


async def test_faults_can_be_taken_back(bot: BotClient) -> None:
    await bot.fail_next("error", count=100)
    await bot.user_side("DELETE", "/faults")
    await bot.get("getMe")


async def test_flood_control_names_a_wait_and_keeps_to_it(bot: BotClient) -> None:
    await bot.user_side("PUT", "/flood", json={"enabled": True, "per_group_per_minute": 2})
    await bot.get("sendMessage", chat_id=GROUP, text="1")
    sent = await bot.get("sendMessage", chat_id=GROUP, text="2")
    answer = await bot.call("editMessageText", chat_id=GROUP, message_id=sent["message_id"], text="3")
    assert answer["error_code"] == 429
    assert 55 <= answer["parameters"]["retry_after"] <= 60
    await bot.get("sendMessage", chat_id=ANNA, text="elsewhere it goes on")


@pytest.mark.parametrize("new_text", ["3", "2"])
async def test_edits_count_in_private_chats_too_even_those_that_change_nothing(bot: BotClient, new_text: str) -> None:
    await bot.user_side("PUT", "/flood", json={"enabled": True})
    numbers = [(await bot.get("sendMessage", chat_id=ANNA, text=text))["message_id"] for text in "12"]
    answer = await bot.call("editMessageText", chat_id=ANNA, message_id=numbers[1], text=new_text)
    assert answer["ok"] == (new_text == "3")
    assert (await bot.call("editMessageText", chat_id=ANNA, message_id=numbers[0], text="4"))["error_code"] == 429


async def test_calls_can_be_looked_at_and_hold_no_token(bot: BotClient) -> None:
    await bot.get("sendMessage", chat_id=ANNA, text="x")
    await bot.refused("sendMessage", chat_id=ANNA)
    answer = await bot.user_side("GET", "/calls", params={"method": "sendmessage"})
    assert [call["status"] for call in answer["calls"]] == [200, 400]
    assert answer["calls"][1]["error"] == "Bad Request: message text is empty"
    assert bot.token not in str(answer)


async def test_reset_empties_everything(bot: BotClient, anna: SandboxUser) -> None:
    await anna.say("привет")
    await bot.fail_next("error")
    await bot.user_side("POST", "/reset")
    assert await bot.get("getUpdates") == []
    assert await anna.history() == []
