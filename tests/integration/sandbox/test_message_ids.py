"""Message ids as Telegram counts them: one counter for an account's private chats, one for each supergroup
(core.telegram.org/api/updates: one common message box, and one for each channel)."""

from pathlib import Path

import aiohttp

from botapi_sandbox import RunningSandbox, SandboxUser
from tests.parts.sandboxes import ANNA, CHRIS, FORUM, GROUP, OTHER_TOKEN, BotClient, as_user, open_sandbox


async def send(bot: BotClient, chat_id: int) -> int:
    return int((await bot.get("sendMessage", chat_id=chat_id, text="x"))["message_id"])


async def test_private_chats_of_a_bot_share_one_counter(
    bot: BotClient, running: RunningSandbox, anna: SandboxUser
) -> None:
    first = await send(bot, ANNA)
    async with as_user(running, CHRIS) as chris:
        said = await chris.say("привет")
    assert [said["message_id"], await send(bot, ANNA)] == [first + 1, first + 2]


async def test_other_bots_and_groups_leave_no_gap_in_a_private_chat(bot: BotClient) -> None:
    first = await send(bot, ANNA)
    await send(bot.with_token(OTHER_TOKEN), ANNA)
    await send(bot, GROUP)
    assert await send(bot, ANNA) == first + 1


async def test_all_bots_see_one_counter_in_a_supergroup_and_others_do_not_move_it(bot: BotClient) -> None:
    first = await send(bot, GROUP)
    await send(bot, FORUM)
    await send(bot, ANNA)
    assert await send(bot.with_token(OTHER_TOKEN), GROUP) == first + 1


async def test_no_id_is_used_again_after_a_reset_or_a_restart(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    used: list[int] = []
    for _ in range(2):
        async with open_sandbox(tmp_path / "kept") as running:
            bot = BotClient(running.base_url, session)
            used.append(await send(bot, GROUP))
            await bot.user_side("POST", "/reset")
            used.append(await send(bot, GROUP))
    assert used == sorted(set(used))


async def test_an_id_of_another_chat_is_not_found(bot: BotClient) -> None:
    elsewhere = await send(bot, CHRIS)
    refused = await bot.refused("editMessageText", chat_id=ANNA, message_id=elsewhere, text="y")
    assert refused == "Bad Request: message to edit not found"
