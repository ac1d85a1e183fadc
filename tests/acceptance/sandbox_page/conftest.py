"""One browser for all tests of the page; a sandbox, a bot and a fresh browser context for each."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from botapi_sandbox import BotAccount, RunningSandbox, SandboxSettings, serve_sandbox
from tests.acceptance.sandbox_page.scripted_bot import TOKEN, USERNAME, ScriptedBot

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("the chat page needs Chromium: apt install chromium")
    expect.set_options(timeout=10_000)
    async with async_playwright() as playwright:
        home = str(tmp_path_factory.mktemp("browser"))
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS, env={"HOME": home, "TZ": "UTC"})
        yield browser
        await browser.close()


@pytest.fixture
def settings(tmp_path: Path) -> SandboxSettings:
    second = BotAccount("5000000002:second-secret", "second_test_bot", "Вторая")
    return SandboxSettings(bots=(BotAccount(TOKEN, USERNAME, "Страница"), second), folder=tmp_path / "sandbox")


@pytest_asyncio.fixture(loop_scope="session")
async def server(settings: SandboxSettings) -> AsyncIterator[RunningSandbox]:
    async with serve_sandbox(settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def bot(server: RunningSandbox) -> AsyncIterator[ScriptedBot]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield ScriptedBot(session, server.base_url)


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: errors of scripts, refusals of the content security policy."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, server: RunningSandbox, complaints: list[str]) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="ru-RU", color_scheme="light", viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await page.goto(f"{server.base_url}/sandbox")
    await expect(page.get_by_test_id("empty")).to_be_visible()
    yield page
    await context.close()
    assert complaints == []
