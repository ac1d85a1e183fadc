"""The page shares a contact where a bot's key asks for one."""

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.sandbox_page.scripted_bot import ScriptedBot
from tests.acceptance.sandbox_page.test_chat import ANNA

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_key_sends_ones_number_as_a_contact(page: Page, bot: ScriptedBot) -> None:
    await bot.say(ANNA, "Номер?", reply_markup={"keyboard": [[{"text": "Мой номер", "request_contact": True}]]})
    await page.get_by_test_id("reply-button").get_by_text("Мой номер").click()
    contact = (await bot.next_update("message"))["contact"]
    assert contact["user_id"] == ANNA
    await expect(page.locator("[data-out=true]")).to_contain_text(contact["phone_number"])
