"""The first ten minutes of an English and a Russian newcomer, on a computer and a phone, with a picture of each step.

`PICTURES_FOLDER=docs/images` writes the pictures of the walk; without it they go to the test's folder.
"""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from tests.acceptance.program import Program
from tests.parts.model_server import ModelServer, Reply

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ROOT = Path(__file__).parents[2]
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


@dataclass(frozen=True, slots=True)
class Words:
    """Texts that a newcomer meets, in one language."""

    locale: str
    person: str
    bot: str
    other_bot: str
    question: str
    demo: str
    connect: str
    model: str


RUSSIAN = Words(
    locale="ru-RU",
    person="Анна",
    bot="Ассистент",
    other_bot="Медиа-ассистент",
    question="Что ты умеешь?",
    demo="демо",
    connect="Подключить модель",
    model="Умею отвечать на вопросы, переводить и писать тексты.",
)
ENGLISH = Words(
    locale="en-US",
    person="Chris",
    bot="Assistant",
    other_bot="Media assistant",
    question="What can you do?",
    demo="demo",
    connect="Connect a model",
    model="I answer questions, translate and write texts.",
)


class Walk:
    """A newcomer in a browser; `step` keeps a picture and fails on a sideways scroll."""

    def __init__(self, page: Page, folder: Path, name: str) -> None:
        self.page = page
        self._folder = folder
        self._name = name

    async def step(self, title: str) -> None:
        """Keep a picture of what is shown."""
        width = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{title}: the page is {width} px wider than the window"
        path = self._folder / f"first-minutes-{self._name}-{title}.webp"
        shot = await self.page.screenshot(animations="disabled", scale="css")
        await asyncio.to_thread(write_small, shot, path)


def write_small(shot: bytes, path: Path) -> None:
    """Write a picture of some 30 kB, with the colours of the page: the repository keeps it."""
    Image.open(io.BytesIO(shot)).convert("RGB").save(path, quality=80, method=6)


@asynccontextmanager
async def walk(browser: Browser, url: str, words: Words, size: str, folder: Path) -> AsyncIterator[Walk]:
    width, height = SIZES[size]
    context = await browser.new_context(
        locale=words.locale,
        color_scheme="light",
        viewport={"width": width, "height": height},
        has_touch=size == "phone",
        is_mobile=size == "phone",
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await page.goto(url)
    yield Walk(page, folder, f"{words.locale[:2]}-{size}")
    await context.close()
    assert complaints == []


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["ru", "en"])
async def test_first_ten_minutes(beseda: Program, browser: Browser, tmp_path: Path, words: Words, size: str) -> None:
    folder = ROOT / (os.environ.get("PICTURES_FOLDER") or tmp_path)
    async with ModelServer() as model:
        model.default = Reply(text=words.model)
        program = beseda.with_environ(BESEDA_MODEL="", OPENROUTER_BASE_URL=model.base_url)
        async with program.serve("run") as service:
            async with walk(browser, service.url, words, size, folder) as visit:
                await _meet(visit, words)
                await _ask_the_demo(visit, words)
                await _connect(visit, words)
                await _look_around(visit, words, size)
            assert await service.stop() == 0
        async with program.serve("run") as service, walk(browser, service.url, words, size, folder) as visit:
            await expect(visit.page.get_by_test_id("messages")).to_contain_text(words.model)
            await visit.step("7-after-a-restart")


async def _meet(visit: Walk, words: Words) -> None:
    page = visit.page
    await expect(page.get_by_test_id("about")).to_be_visible()
    await expect(page.locator(".header-name")).to_have_text(words.bot)
    await expect(page.get_by_test_id("user-switch")).to_contain_text(words.person)
    await expect(page.get_by_test_id("suggestion")).to_have_count(4)
    await expect(page.get_by_test_id("panel")).to_contain_text(words.connect)
    await visit.step("1-card")


async def _ask_the_demo(visit: Walk, words: Words) -> None:
    page = visit.page
    await page.get_by_test_id("suggestion").get_by_text(words.question).click()
    answer = page.locator('[data-testid=message][data-out="false"]')
    await expect(answer.first).to_contain_text(words.demo, ignore_case=True)
    await visit.step("2-demo")


async def _connect(visit: Walk, words: Words) -> None:
    page = visit.page
    await page.get_by_test_id("panel-toggle").click()
    await expect(page.get_by_test_id("panel-key")).to_be_focused()
    await visit.step("3-strip")
    await page.get_by_test_id("panel-key").fill(KEY)
    await page.get_by_test_id("panel-connect").click()
    await expect(page.get_by_test_id("panel-connected")).to_be_visible()
    answer = page.locator('[data-testid=message][data-out="false"]')
    await expect(answer.last).to_contain_text(words.model)
    assert KEY not in await page.content()
    await visit.step("4-connected")


async def _look_around(visit: Walk, words: Words, size: str) -> None:
    page = visit.page
    if size == "phone":
        await page.get_by_test_id("back").click()
        await visit.step("5-chats")
    await page.get_by_test_id("dialog-item").get_by_text(words.other_bot, exact=True).click()
    await expect(page.get_by_test_id("about")).to_be_visible()
    await page.get_by_test_id("suggestion").get_by_text("/start").click()
    await expect(page.get_by_test_id("reply-button").first).to_be_visible()
    await visit.step("6-menu")
