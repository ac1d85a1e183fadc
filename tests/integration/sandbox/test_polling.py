import asyncio
from pathlib import Path

import aiohttp
import pytest

from botapi_sandbox import RunningSandbox, SandboxUser
from tests.parts.sandboxes import ANNA, BotClient, as_user, open_sandbox

OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


async def test_long_poll_answers_as_soon_as_something_comes(bot: BotClient, anna: SandboxUser) -> None:
    poll = asyncio.create_task(bot.get("getUpdates", timeout=30))
    await anna.say("привет")
    (update,) = await asyncio.wait_for(poll, 30)
    assert update["message"]["text"] == "привет"


async def test_second_poller_ends_the_first(bot: BotClient, anna: SandboxUser) -> None:
    first = asyncio.create_task(bot.call("getUpdates", timeout=30))
    await anna.get_dialog()  # by now the first poll has arrived
    second = asyncio.create_task(bot.get("getUpdates", timeout=30))
    answer = await asyncio.wait_for(first, 30)
    assert (answer["error_code"], answer["description"]) == (409, OTHER_POLLER)
    await anna.say("привет")
    assert len(await asyncio.wait_for(second, 30)) == 1


async def test_webhook_and_polling_exclude_each_other(bot: BotClient) -> None:
    await bot.get("setWebhook", url="http://127.0.0.1:1/hook")
    assert await bot.refused("getUpdates") == WEBHOOK
    await bot.get("deleteWebhook")
    assert await bot.get("getUpdates") == []


@pytest.mark.parametrize("allowed", [["callback_query"], ["nonsense"], []])
async def test_allowed_updates_choose_kinds(bot: BotClient, anna: SandboxUser, allowed: list[str]) -> None:
    await bot.get("getUpdates", allowed_updates=allowed)
    await anna.say("привет")
    await bot.get("sendMessage", chat_id=ANNA, text="?", reply_markup={"inline_keyboard": [[BUTTON]]})
    await anna.press("x")
    kinds = [kind for update in await bot.get("getUpdates") for kind in update if kind != "update_id"]
    assert kinds == (["callback_query"] if allowed == ["callback_query"] else ["message", "callback_query"])


BUTTON = {"text": "x", "callback_data": "y"}


async def test_negative_offset_keeps_the_last(bot: BotClient, anna: SandboxUser) -> None:
    for text in ("раз", "два", "три"):
        await anna.say(text)
    texts = [update["message"]["text"] for update in await bot.get("getUpdates", offset=-2)]
    assert texts == ["два", "три"]


async def test_offset_of_another_bots_store_drops_nothing(bot: BotClient, anna: SandboxUser) -> None:
    said = [await anna.say(text) for text in ("раз", "два")]
    first, last = [update["update_id"] for update in await bot.get("getUpdates")]
    for offset in (last + 12, 2**31 - 1):
        assert len(await bot.get("getUpdates", offset=offset)) == len(said)
    assert await bot.get("getUpdates", offset=last + 11) == []
    assert last == first + 1


async def test_repeated_polls_are_slowed_down(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    loop = asyncio.get_running_loop()
    async with open_sandbox(tmp_path, poll_hold_seconds=0.6) as running, as_user(running) as anna:
        bot = BotClient(running.base_url, session)
        assert await bot.get("getUpdates") == []
        started = loop.time()
        assert await bot.get("getUpdates") == []
        assert loop.time() - started >= 0.5
        await anna.say("раз")
        await anna.say("два")
        lengths = [len(await bot.get("getUpdates", offset=offset)) for offset in (-2, -2, 1)]
        assert lengths == [2, 1, 2]


async def test_a_short_poll_does_not_end_a_long_one(bot: BotClient, anna: SandboxUser) -> None:
    long_poll = asyncio.create_task(bot.get("getUpdates", timeout=30))
    await anna.get_dialog()
    assert await bot.get("getUpdates", offset=1) == []
    await anna.say("привет")
    assert len(await asyncio.wait_for(long_poll, 30)) == 1


async def test_the_second_conflict_comes_later(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    loop = asyncio.get_running_loop()
    async with open_sandbox(tmp_path, poll_hold_seconds=0.6) as running, as_user(running) as anna:
        bot = BotClient(running.base_url, session)
        polls = []
        for offset in (1, 2, 3):
            polls.append(asyncio.create_task(bot.call("getUpdates", offset=offset, timeout=30)))
            await anna.get_dialog()
        started = loop.time()
        assert (await asyncio.wait_for(polls[0], 30))["error_code"] == 409
        assert loop.time() - started < 0.5
        assert (await asyncio.wait_for(polls[1], 30))["error_code"] == 409
        assert loop.time() - started >= 0.5
        await anna.say("привет")
        assert (await asyncio.wait_for(polls[2], 30))["ok"]


async def test_other_kinds_can_be_injected(bot: BotClient) -> None:
    update = {"poll_answer": {"poll_id": "1", "option_ids": [0]}}
    await bot.user_side("POST", "/updates", json={"bot": "first_bot", "update": update})
    (got,) = await bot.get("getUpdates")
    assert got["poll_answer"]["poll_id"] == "1"


async def test_restart_never_repeats_an_id(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        async with open_sandbox(tmp_path) as running, as_user(running) as anna:
            for number in range(30):
                await anna.say(str(number))
            updates = await BotClient(running.base_url, session).get("getUpdates")
            seen += [(update["update_id"], update["message"]["message_id"]) for update in updates]
    assert len({update for update, _ in seen}) == len({message for _, message in seen}) == 60
    assert max(max(pair) for pair in seen) < 2**31


async def test_people_added_are_there_after_a_restart(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with open_sandbox(tmp_path) as running:
        vera = await BotClient(running.base_url, session).user_side("POST", "/users", json={"first_name": "Вера"})
    with (tmp_path / "people.jsonl").open("a") as file:
        file.write('\n{"id": 12, "first_n')
    async with open_sandbox(tmp_path) as running:
        bot = BotClient(running.base_url, session)
        assert vera in (await bot.user_side("GET", "/state"))["users"]
        await bot.get("sendMessage", chat_id=vera["id"], text="Я вас помню")
        oleg = await bot.user_side("POST", "/users", json={"first_name": "Олег"})
    async with open_sandbox(tmp_path) as running:
        users = (await BotClient(running.base_url, session).user_side("GET", "/state"))["users"]
        assert [user for user in users if user in (vera, oleg)] == [vera, oleg]


async def test_every_bot_has_its_own_queue(running: RunningSandbox, bot: BotClient, anna: SandboxUser) -> None:
    await anna.say("привет")
    assert await bot.with_token("1000000002:sandbox-test-token-two").get("getUpdates") == []
    assert len(await bot.get("getUpdates")) == 1
