from pathlib import Path

import aiohttp
import pytest

from botapi_sandbox import BotAccount, RunningSandbox, SandboxUser
from tests.parts.sandboxes import ANNA, CHRIS, GROUP, OTHER_TOKEN, TOKEN, BotClient, as_user, open_sandbox


def read_texts(updates: list[dict[str, dict[str, str]]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def test_privacy_mode_shows_commands_mentions_and_replies(running: RunningSandbox, bot: BotClient) -> None:
    own = await bot.get("sendMessage", chat_id=GROUP, text="Я здесь")
    async with as_user(running, CHRIS, f"group:{GROUP}") as chris:
        await chris.say("просто разговор")
        await chris.say("/help")
        await chris.say("/help@first_bot")
        await chris.say("/help@second_bot")
        await chris.say("а ты, @First_Bot?")
        await chris.say("правда?", reply_to_message_id=own["message_id"])
    seen = read_texts(await bot.get("getUpdates"))
    assert seen == ["/help", "/help@first_bot", "а ты, @First_Bot?", "правда?"]
    assert read_texts(await bot.with_token(OTHER_TOKEN).get("getUpdates")) == ["/help", "/help@second_bot"]


async def test_bot_without_privacy_mode_sees_people_but_no_bots(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    bots = (BotAccount(TOKEN, "first_bot", "Первый", reads_all_group_messages=True), BotAccount(OTHER_TOKEN, "b", "B"))
    async with open_sandbox(tmp_path, bots=bots) as running:
        bot = BotClient(running.base_url, session)
        await bot.with_token(OTHER_TOKEN).get("sendMessage", chat_id=GROUP, text="от бота")
        async with as_user(running, ANNA, f"group:{GROUP}") as anna:
            await anna.say("от человека")
        assert read_texts(await bot.get("getUpdates")) == ["от человека"]
        assert (await bot.get("getMe"))["can_read_all_group_messages"]


@pytest.mark.parametrize(
    ("scope", "language", "seen"),
    [
        ({"type": "default"}, "", "default"),
        ({"type": "all_private_chats"}, "", "all_private_chats"),
        ({"type": "default"}, "ru", "default"),
        ({"type": "chat", "chat_id": ANNA}, "", "chat"),
        ({"type": "all_group_chats"}, "", None),
        ({"type": "default"}, "en", None),
    ],
)
async def test_commands_are_seen_by_scope_and_language(
    bot: BotClient, scope: dict[str, object], language: str, seen: str | None
) -> None:
    commands = [{"command": "x", "description": str(scope["type"])}]
    await bot.get("setMyCommands", commands=commands, scope=scope, language_code=language)
    query = {"bot": "first_bot", "user_id": str(ANNA)}
    async with bot.session.get(f"{bot.base_url}/sandbox/api/commands", params=query) as response:
        shown = await response.json()
    assert [command["description"] for command in shown] == ([seen] if seen else [])


async def test_users_without_a_start_cannot_be_written_to(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with open_sandbox(tmp_path, users_have_started=False) as running, as_user(running) as anna:
        bot = BotClient(running.base_url, session)
        assert await bot.refused("sendMessage", chat_id=ANNA, text="x") == "Bad Request: chat not found"
        await anna.say("/start")
        await bot.get("sendMessage", chat_id=ANNA, text="x")


async def test_a_group_names_the_rights_of_its_members(bot: BotClient) -> None:
    permissions = (await bot.get("getChat", chat_id=GROUP))["permissions"]
    assert permissions["can_send_messages"]
    assert not permissions["can_pin_messages"]
    assert "permissions" not in await bot.get("getChat", chat_id=ANNA)


async def test_an_administrator_sees_all_messages_and_may_pin(bot: BotClient) -> None:
    async with SandboxUser(bot.base_url, ANNA, f"group:{GROUP}") as owner:
        await owner.say("до")
        await owner.make_administrator("first_bot")
        said = await owner.say("после")
        await bot.get("pinChatMessage", chat_id=GROUP, message_id=said["message_id"])
        updates = await bot.get("getUpdates")
        assert updates[0]["my_chat_member"]["new_chat_member"]["status"] == "administrator"
        assert read_texts(updates[1:2]) == ["после"]
        assert updates[2]["message"]["pinned_message"]["message_id"] == said["message_id"]
        statuses = [one["status"] for one in await bot.get("getChatAdministrators", chat_id=GROUP)]
        assert statuses == ["creator", "administrator"]
