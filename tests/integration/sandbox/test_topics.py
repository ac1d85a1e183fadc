"""Topics of forums and private chats, as a bot makes and changes them (#createforumtopic and its family)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from botapi_sandbox import BotAccount, SandboxUser
from tests.parts.sandboxes import ANNA, FORUM, GROUP, TOKEN, BotClient, as_user, open_sandbox


@pytest.fixture
async def owner(bot: BotClient) -> AsyncIterator[SandboxUser]:
    """The owner of the forum, who has made the bot its administrator."""
    async with SandboxUser(bot.base_url, ANNA, f"group:{FORUM}") as anna:
        await anna.make_administrator("first_bot")
        await bot.get("getUpdates", offset=-1)
        yield anna


async def list_topics(owner: SandboxUser) -> list[str]:
    return [topic["name"] for topic in (await owner.get_dialog())["topics"]]


async def test_a_plain_member_may_not_touch_topics(bot: BotClient) -> None:
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("createForumTopic", {"name": "x"}, "create a topic"),
        ("editForumTopic", {"message_thread_id": 2, "name": "x"}, "edit the topic"),
        ("closeForumTopic", {"message_thread_id": 2}, "close or open the topic"),
        ("deleteForumTopic", {"message_thread_id": 2}, "delete the topic"),
        ("hideGeneralForumTopic", {}, "close or open the topic"),
    ]
    for method, params, purpose in calls:
        assert await bot.refused(method, chat_id=FORUM, **params) == f"Bad Request: not enough rights to {purpose}"
    assert await bot.refused("createForumTopic", chat_id=GROUP, name="x") == "Bad Request: the chat is not a forum"


async def test_an_administrator_makes_a_topic_and_writes_in_it(bot: BotClient, owner: SandboxUser) -> None:
    made = await bot.get("createForumTopic", chat_id=FORUM, name=" Анна  Иванова ", icon_color=0xFFD67E)
    assert made == {"message_thread_id": made["message_thread_id"], "name": "Анна Иванова", "icon_color": 0xFFD67E}
    (update,) = (await bot.get("getUpdates"))[-1:]
    assert update["message"]["forum_topic_created"] == {"name": "Анна Иванова", "icon_color": 0xFFD67E}
    assert update["message"]["message_id"] == made["message_thread_id"]
    sent = await bot.get("sendMessage", chat_id=FORUM, text="тут", message_thread_id=made["message_thread_id"])
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (made["message_thread_id"], True)
    assert await list_topics(owner) == ["Объявления", "Вопросы", "Анна Иванова"]
    await owner.say("ответ", message_thread_id=made["message_thread_id"])
    assert (await bot.get("getUpdates"))[-1]["message"]["message_thread_id"] == made["message_thread_id"]


async def test_topics_are_renamed_closed_reopened_and_deleted(bot: BotClient, owner: SandboxUser) -> None:
    topic = {"chat_id": FORUM, "message_thread_id": 2}
    await bot.get("editForumTopic", **topic, name="Новости")
    assert await bot.refused("editForumTopic", **topic, name="Новости") == "Bad Request: TOPIC_NOT_MODIFIED"
    await bot.get("closeForumTopic", **topic)
    assert await bot.refused("closeForumTopic", **topic) == "Bad Request: TOPIC_NOT_MODIFIED"
    await bot.get("reopenForumTopic", **topic)
    sent = await bot.get("sendMessage", text="x", **topic)
    notes = [update["message"] for update in await bot.get("getUpdates") if "message" in update][-3:]
    assert [next(name for name in note if name.startswith("forum_topic")) for note in notes] == [
        "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened"
    ]  # fmt: skip
    await bot.get("deleteForumTopic", **topic)
    assert await list_topics(owner) == ["Вопросы"]
    assert await bot.refused("sendMessage", text="x", **topic) == "Bad Request: message thread not found"
    assert sent["message_id"] not in [message["message_id"] for message in await owner.history()]


async def test_a_closed_topic_takes_messages_of_administrators_only(bot: BotClient, owner: SandboxUser) -> None:
    await bot.get("closeForumTopic", chat_id=FORUM, message_thread_id=2)
    await bot.get("closeGeneralForumTopic", chat_id=FORUM)
    await bot.get("sendMessage", chat_id=FORUM, message_thread_id=2, text="x")
    await owner.make_administrator("first_bot", is_administrator=False)
    for thread in ({"message_thread_id": 2}, {}):
        assert await bot.refused("sendMessage", chat_id=FORUM, text="x", **thread) == "Bad Request: TOPIC_CLOSED"
    await bot.get("sendMessage", chat_id=FORUM, message_thread_id=3, text="x")


async def test_the_general_topic_has_its_own_methods(bot: BotClient, owner: SandboxUser) -> None:
    await bot.get("editGeneralForumTopic", chat_id=FORUM, name="Общее")
    for method in ("hideGeneralForumTopic", "unhideGeneralForumTopic"):
        await bot.get(method, chat_id=FORUM)
        assert await bot.refused(method, chat_id=FORUM) == "Bad Request: TOPIC_NOT_MODIFIED"
    # Hiding closed it; showing it again leaves it closed.
    await bot.get("reopenGeneralForumTopic", chat_id=FORUM)
    assert await bot.refused("sendMessage", chat_id=FORUM, text="x", message_thread_id=1) == (
        "Bad Request: message thread not found"
    )


async def test_messages_of_a_topic_are_unpinned_alone(bot: BotClient, owner: SandboxUser) -> None:
    numbers = [
        (await bot.get("sendMessage", chat_id=FORUM, text="x", **thread))["message_id"]
        for thread in ({}, {"message_thread_id": 2}, {"message_thread_id": 3})
    ]
    for number in numbers:
        await bot.get("pinChatMessage", chat_id=FORUM, message_id=number)
    await bot.get("unpinAllForumTopicMessages", chat_id=FORUM, message_thread_id=3)
    assert (await bot.get("getChat", chat_id=FORUM))["pinned_message"]["message_id"] == numbers[1]
    await bot.get("unpinAllGeneralForumTopicMessages", chat_id=FORUM)
    await bot.get("unpinAllChatMessages", chat_id=FORUM)
    assert "pinned_message" not in await bot.get("getChat", chat_id=FORUM)


async def test_private_topics_are_one_conversation_each(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    account = BotAccount(TOKEN, "first_bot", "Первый", has_topics_enabled=True)
    async with open_sandbox(tmp_path, bots=(account,)) as running, as_user(running) as anna:
        bot = BotClient(running.base_url, session)
        assert (await bot.get("getMe"))["has_topics_enabled"]
        thread = (await bot.get("createForumTopic", chat_id=ANNA, name="Рецепты"))["message_thread_id"]
        await bot.get("sendMessageDraft", chat_id=ANNA, message_thread_id=thread, draft_id=1, text="Ду")
        await bot.get("sendMessage", chat_id=ANNA, message_thread_id=thread, text="Суп")
        await anna.say("Ещё", message_thread_id=thread)
        assert (await bot.get("getUpdates"))[-1]["message"]["message_thread_id"] == thread
        await bot.get("editForumTopic", chat_id=ANNA, message_thread_id=thread, name="Супы")
        await bot.get("deleteForumTopic", chat_id=ANNA, message_thread_id=thread)
        assert await anna.history() == []


async def test_a_private_chat_without_topics_refuses_a_thread(bot: BotClient) -> None:
    assert await bot.refused("sendMessage", chat_id=ANNA, text="x", message_thread_id=5) == (
        "Bad Request: message thread not found"
    )
    assert await bot.refused("createForumTopic", chat_id=ANNA, name="x") == "Bad Request: the chat is not a forum"


async def test_a_thread_number_is_overlooked_in_a_group_without_topics(bot: BotClient) -> None:
    assert "message_thread_id" not in await bot.get("sendMessage", chat_id=GROUP, text="x", message_thread_id=5)
