import base64

import aiohttp
import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from botapi_sandbox import DEFAULT_USERS, SandboxSettings, serve_sandbox
from tests.acceptance.sandbox_page.scripted_bot import ScriptedBot

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANNA, CHRIS = DEFAULT_USERS[0].id, DEFAULT_USERS[1].id
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
)


async def test_photo_and_voice_reach_the_bot_and_a_photo_comes_back(page: Page, bot: ScriptedBot) -> None:
    await page.get_by_test_id("attach").click()
    async with page.expect_file_chooser() as chooser:
        await page.locator('[data-kind="photo"]').click()
    await (await chooser.value).set_files(FilePayload(name="pic.png", mimeType="image/png", buffer=PNG))
    await page.get_by_test_id("caption").fill("Улучши")
    await page.get_by_test_id("upload-send").click()
    message = await bot.next_update("message")
    assert message["caption"] == "Улучши" and message["photo"]
    await page.get_by_test_id("record").click()
    await expect(page.locator(".recording-time")).to_have_text("0:01")
    await page.get_by_test_id("record-send").click()
    assert (await bot.next_update("message"))["voice"]["duration"] >= 1
    await bot.send_file("sendPhoto", "photo", PNG, chat_id=ANNA, caption="Готово")
    photo = page.locator('[data-out="false"] .photo')
    await expect(photo.locator("img")).to_have_js_property("naturalWidth", 10)
    await photo.click()
    await expect(page.locator(".viewer img")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".viewer")).to_have_count(0)


async def test_page_reports_an_absent_server_and_catches_up(browser: Browser, settings: SandboxSettings) -> None:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    async with serve_sandbox(settings) as first:
        await page.goto(f"{first.base_url}/sandbox")
        await expect(page.get_by_test_id("empty")).to_contain_text("Say hello")
    away = page.get_by_test_id("away")
    await expect(away).to_be_visible()
    await page.get_by_test_id("composer").fill("not lost")
    await page.get_by_test_id("send").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("Not sent")
    await expect(page.get_by_test_id("composer")).to_have_value("not lost")
    port = int(first.base_url.rsplit(":", 1)[1])
    async with serve_sandbox(settings, port=port) as second, aiohttp.ClientSession() as session:
        await ScriptedBot(session, second.base_url).say(CHRIS, "Back again")
        await expect(page.get_by_test_id("message-text")).to_have_text("Back again")
        await expect(away).to_be_hidden()
        await context.close()
