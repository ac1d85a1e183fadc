"""The page and the panel of its host: the bot's card is shown first, and a panel that fails keeps no chat empty."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, expect

from botapi_sandbox import BotAccount, RunningSandbox, SandboxSettings
from tests.acceptance.sandbox_page.scripted_bot import TOKEN, USERNAME

pytestmark = pytest.mark.asyncio(loop_scope="session")

PANEL = "/host/panel.js"
SCRIPT = """export async function mount() {
    const about = { ru: 'О боте', en: 'About the bot' };
    return { card: () => ({ about, examples: [{ ru: 'Вопрос', en: 'A question' }] }) };
}"""
# Keeps each title that an empty chat has had.
WATCH = """window.titles = new Set();
new MutationObserver(() => document.querySelectorAll('.empty h2').forEach((title) => titles.add(title.textContent)))
    .observe(document, { childList: true, subtree: true });"""


@pytest.fixture
def settings(tmp_path: Path) -> SandboxSettings:
    return SandboxSettings(
        bots=(BotAccount(TOKEN, USERNAME, "Страница"),), folder=tmp_path / "sandbox", title="Host", panel=PANEL
    )


async def open_with_panel(
    browser: Browser, server: RunningSandbox, deliver: Callable[[Route], Awaitable[None]]
) -> Page:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    page.set_default_timeout(10_000)
    await page.add_init_script(WATCH)
    await page.route(f"**{PANEL}", deliver)
    await page.goto(f"{server.base_url}/sandbox")
    return page


async def test_card_of_the_bot_is_the_first_that_is_shown(browser: Browser, server: RunningSandbox) -> None:
    chats_are_there = asyncio.Event()

    async def deliver(route: Route) -> None:
        await chats_are_there.wait()
        await route.fulfill(body=SCRIPT, content_type="text/javascript")

    page = await open_with_panel(browser, server, deliver)
    await expect(page.get_by_test_id("dialog-item").first).to_be_visible()
    chats_are_there.set()
    await expect(page.get_by_test_id("about")).to_have_text("About the bot")
    assert await page.evaluate("[...titles]") == ["Страница"]
    await expect(page.get_by_role("heading", name="HostSandbox")).to_be_visible()
    await expect(page).to_have_title("Страница · Host")
    await page.context.close()


@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "silent"])
async def test_panel_that_does_not_come_keeps_no_chat_empty(
    browser: Browser, server: RunningSandbox, *, is_refused: bool
) -> None:
    async def deliver(route: Route) -> None:
        if is_refused:
            await route.abort()

    page = await open_with_panel(browser, server, deliver)
    await expect(page.get_by_test_id("empty")).to_contain_text("Say hello")
    await page.context.close()
