"""What is set outside of this process is looked at again: another program may have changed it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from beseda.app_bots import RunningBot, Webhook
from beseda.llm.prompt import NOTES
from beseda.telegram.client import BotApi
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, FORUM, GROUP, living_bot
from tests.parts.waiting import eventually

NOBODY = "http://127.0.0.1:9/hook"


async def test_webhook_that_was_left_set_does_not_keep_the_bot_from_polling(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"])) as living:
        living.hurry()
        await living.bot.runner.bot.api.call("setWebhook", url=NOBODY)
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("here")


async def test_deleting_the_webhook_is_tried_until_it_works(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"])) as living:
        living.hurry()
        await living.fault(method="deleteWebhook", kind="error", status=502, count=2)
        await living.bot.runner.bot.api.call("setWebhook", url=NOBODY)
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("here")
        assert len(await living.calls("deleteWebhook")) >= 3


async def test_other_conflict_leaves_the_webhook_alone(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"])) as living:
        living.hurry()
        before = len(await living.calls("deleteWebhook"))
        description = "Conflict: terminated by other getUpdates request"
        await living.fault(method="getUpdates", kind="error", status=409, description=description)
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("here")
        assert len(await living.calls("deleteWebhook")) == before


@asynccontextmanager
async def _with_webhook(folder: Path, clock: ManualClock) -> AsyncIterator[BotApi]:
    async with living_bot(folder, ScriptedModel()) as living:
        desk = living.bot.runner.bot
        bot = RunningBot(living.bot.runner, clock)
        await bot.prepare(Webhook("https://bots.example.org", "secret_1"))
        yield desk.api
        await bot.close(within=0)


async def test_webhook_that_another_program_deleted_is_set_again(tmp_path: Path) -> None:
    clock = ManualClock()
    async with _with_webhook(tmp_path, clock) as api:
        wanted = (await api.call("getWebhookInfo"))["url"]
        await api.call("deleteWebhook")

        async def is_set_again() -> bool:
            await clock.advance(60.0)
            return bool((await api.call("getWebhookInfo"))["url"] == wanted)

        await eventually(is_set_again)
    assert wanted == "https://bots.example.org/telegram/assistant"


async def test_group_that_moves_is_followed_by_a_bot_with_a_guest_list(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="noted")
    async with living_bot(tmp_path, model, ADMIN_IDS=str(ANNA)) as living:
        anna, there = await living.user(ANNA, f"group:{GROUP}"), await living.user(ANNA, f"group:{FORUM}")
        await anna.say("@assistant_bot one")
        await anna.wait_text("noted")
        chat, sender = {"id": GROUP, "type": "group", "title": "x"}, {"id": 4711, "is_bot": False, "first_name": "Eve"}
        service = {"message_id": 9, "date": 0, "chat": chat, "from": sender, "migrate_to_chat_id": FORUM}
        await living.inject({"message": service})
        await living.settle()
        sent = len(await living.calls("sendMessage"))
        await there.say("@assistant_bot two")
        await there.wait_text("noted")
        await living.settle()
    said = [message.content for message in model.requests[-1].messages if message.role == "user"]
    heard = [content.partition(": ")[2] for content in said if not content.startswith(NOTES)]
    assert (sent, heard) == (1, ["one", "two"])


async def test_stranger_who_blocks_a_bot_with_a_guest_list_is_not_answered(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"]), ADMIN_IDS=str(ANNA)) as living:
        chat, eve = {"id": 4711, "type": "private"}, {"id": 4711, "is_bot": False, "first_name": "Eve"}
        bot = {"id": living.bot.runner.bot.me.id, "is_bot": True, "first_name": "A"}
        old, new = {"user": bot, "status": "member"}, {"user": bot, "status": "kicked"}
        changed = {"chat": chat, "from": eve, "date": 0, "old_chat_member": old, "new_chat_member": new}
        await living.inject({"my_chat_member": changed})
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("here")
        await living.settle()
        assert [call["params"]["chat_id"] for call in await living.calls("sendMessage")] == [ANNA]
