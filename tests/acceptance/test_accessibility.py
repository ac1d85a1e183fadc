"""axe-core finds nothing on the sandbox page: each state, both languages, light and dark, on a computer and a phone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.acceptance.program import Program
from tests.acceptance.sandbox_page.test_files import PNG
from tests.acceptance.test_first_minutes import ENGLISH, RUSSIAN, SIZES, Words
from tests.parts.accessibility import AccessibilityCheck
from tests.parts.model_server import ModelServer, Reply, refuse

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORMATS = {"ru": "покажи форматирование", "en": "show formatting"}


@asynccontextmanager
async def open_page(browser: Browser, url: str, words: Words, size: str, theme: str) -> AsyncIterator[Page]:
    width, height = SIZES[size]
    context = await browser.new_context(
        locale=words.locale,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": height},
        has_touch=size == "phone",
        is_mobile=size == "phone",
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    await page.goto(url)
    yield page
    await context.close()


@pytest.mark.slow
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["ru", "en"])
async def test_axe_finds_nothing_in_any_state(
    beseda: Program, browser: Browser, words: Words, theme: str, size: str
) -> None:
    async with ModelServer() as model:
        model.default = Reply(text=words.model)
        program = beseda.with_environ(BESEDA_MODEL="", OPENROUTER_BASE_URL=model.base_url)
        async with program.serve("run") as service, open_page(browser, service.url, words, size, theme) as page:
            check = AccessibilityCheck(page)
            await _talk(check, words)
            await _open_menus(check)
            await _connect(check, words, model)
            await _change_chats(check, words, size)
            assert await service.stop() == 0
    check.finish()


async def test_axe_finds_nothing_on_a_dark_phone(beseda: Program, browser: Browser) -> None:
    program = beseda.with_environ(BESEDA_MODEL="", BESEDA_BOTS="assistant")
    async with program.serve("run") as service, open_page(browser, service.url, RUSSIAN, "phone", "dark") as page:
        check = AccessibilityCheck(page)
        await expect(page.get_by_test_id("about")).to_be_visible()
        await page.get_by_test_id("panel-toggle").click()
        await check.look("card and strip")
        await page.get_by_test_id("back").click()
        await check.look("chats")
    check.finish()


async def _talk(check: AccessibilityCheck, words: Words) -> None:
    page = check.page
    await expect(page.get_by_test_id("about")).to_be_visible()
    await check.look("card")
    await page.get_by_test_id("composer").fill(FORMATS[words.locale[:2]])
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("draft")).to_be_visible()
    await check.look("answer on its way")
    await expect(page.locator('[data-testid=message][data-out="false"] pre').first).to_be_visible()
    await check.look("formatted answer")


async def _open_menus(check: AccessibilityCheck) -> None:
    page = check.page
    await page.locator(".header-tools > button").click()
    await expect(page.get_by_test_id("block")).to_be_visible()
    await check.look("menu of the chat")
    await page.keyboard.press("Escape")
    await page.get_by_test_id("commands-button").click()
    await expect(page.get_by_test_id("commands-menu")).to_be_visible()
    await check.look("commands")
    await page.keyboard.press("Escape")
    await page.get_by_test_id("attach").click()
    async with page.expect_file_chooser() as chooser:
        await page.locator('[data-kind="photo"]').click()
    await (await chooser.value).set_files(FilePayload(name="pic.png", mimeType="image/png", buffer=PNG))
    await expect(page.get_by_test_id("upload-send")).to_be_visible()
    await check.look("file before it is sent")
    await page.keyboard.press("Escape")


async def _connect(check: AccessibilityCheck, words: Words, model: ModelServer) -> None:
    page = check.page
    await page.get_by_test_id("panel-toggle").click()
    await expect(page.get_by_test_id("panel-key")).to_be_focused()
    await check.look("strip")
    model.script(refuse(401))
    await page.get_by_test_id("panel-key").fill("sk-or-v1-0123456789abcdef-wrong")
    await page.get_by_test_id("panel-connect").click()
    await expect(page.locator(".panel-status.problem")).to_be_visible()
    await check.look("refused key")
    await page.get_by_test_id("panel-key").fill("sk-or-v1-0123456789abcdef0123456789abcdef")
    await page.get_by_test_id("panel-connect").click()
    await expect(page.get_by_test_id("panel-connected")).to_be_visible()
    await expect(page.locator('[data-testid=message][data-out="false"]').last).to_contain_text(words.model)
    await check.look("connected")


async def _change_chats(check: AccessibilityCheck, words: Words, size: str) -> None:
    page = check.page
    if size == "phone":
        await page.get_by_test_id("back").click()
        await check.look("chats")
    await page.get_by_test_id("user-switch").click()
    await expect(page.locator(".user-panel")).to_be_visible()
    await check.look("people")
    await page.keyboard.press("Escape")
    await page.get_by_test_id("dialog-item").get_by_text(words.other_bot, exact=True).click()
    await page.get_by_test_id("suggestion").get_by_text("/start").click()
    await expect(page.get_by_test_id("reply-button").first).to_be_visible()
    await check.look("menu of a bot")
    if size == "phone":
        await page.get_by_test_id("back").click()
    await page.get_by_test_id("dialog-item").last.click()
    await expect(page.get_by_role("tablist")).to_be_visible()
    await check.look("forum")
