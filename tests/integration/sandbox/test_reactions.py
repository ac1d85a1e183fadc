"""Reactions of people as updates, effects of messages."""

import pytest

from botapi_sandbox import SandboxUser, SandboxUserError
from tests.parts.sandboxes import ANNA, GROUP, BotClient


async def test_reactions_of_a_person_come_to_bots_that_ask_for_them(bot: BotClient, anna: SandboxUser) -> None:
    number = (await bot.get("sendMessage", chat_id=ANNA, text="x"))["message_id"]
    await anna.react(number, "👍")
    await bot.get("getUpdates", allowed_updates=["message_reaction"])
    await anna.react(number, "❤️")
    await anna.react(number)
    changes = [update["message_reaction"] for update in await bot.get("getUpdates")]
    assert [(change["old_reaction"], change["new_reaction"]) for change in changes] == [
        ([{"type": "emoji", "emoji": "👍"}], [{"type": "emoji", "emoji": "❤"}]),
        ([{"type": "emoji", "emoji": "❤"}], []),
    ]
    assert (changes[0]["chat"]["id"], changes[0]["user"]["id"], changes[0]["message_id"]) == (ANNA, ANNA, number)


async def test_in_a_group_reactions_come_to_administrators_only(bot: BotClient) -> None:
    await bot.get("getUpdates", allowed_updates=["message_reaction"])
    number = (await bot.get("sendMessage", chat_id=GROUP, text="x"))["message_id"]
    async with SandboxUser(bot.base_url, ANNA, f"group:{GROUP}") as owner:
        await owner.react(number, "👍")
        assert await bot.get("getUpdates") == []
        await owner.make_administrator("first_bot")
        await owner.react(number, "👎")
        assert len(await bot.get("getUpdates")) == 1
        assert (await bot.get("getChatMember", chat_id=GROUP, user_id=1000000001))["status"] == "administrator"
        with pytest.raises(SandboxUserError, match="REACTION_INVALID"):
            await owner.react(number, "🥒")


async def test_an_effect_is_shown_in_private_chats_and_has_to_be_known(bot: BotClient) -> None:
    fire = "5104841245755180586"
    assert (await bot.get("sendMessage", chat_id=ANNA, text="x", message_effect_id=fire))["effect_id"] == fire
    unknown = await bot.refused("sendMessage", chat_id=ANNA, text="x", message_effect_id="7")
    assert unknown == "Bad Request: EFFECT_ID_INVALID"
    in_group = await bot.refused("sendMessage", chat_id=GROUP, text="x", message_effect_id=fire)
    assert in_group == "Bad Request: can't use message effects in the chat"
