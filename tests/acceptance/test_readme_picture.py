"""The pictures of both READMEs: their conversations, had with `make run` and photographed in a browser.

`PICTURES_FOLDER=docs/images` writes them; without it they go to the test's folder.
"""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from scripts.source import ROOT
from tests.acceptance.program import Program
from tests.acceptance.test_first_minutes import ENGLISH, RUSSIAN, Words, walk, write_small
from tests.docs.transcript import play, read_transcript

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

PEOPLE = {person.first_name: person.id for person in DEFAULT_USERS}


@pytest.mark.parametrize(("page", "words"), [("README.md", ENGLISH), ("README.ru.md", RUSSIAN)], ids=["en", "ru"])
async def test_picture_shows_the_conversation_of_the_readme(
    beseda: Program, browser: Browser, tmp_path: Path, page: str, words: Words
) -> None:
    person = PEOPLE[words.person]
    folder = ROOT / (os.environ.get("PICTURES_FOLDER") or tmp_path)
    lines = read_transcript(page)
    chat = f"sales_bot:{person}"
    async with beseda.serve("run") as service, SandboxUser(service.url, person, chat) as user:
        await play(lines, user)
        async with walk(browser, f"{service.url}/sandbox#{chat}", words, "desktop", folder) as visit:
            messages = visit.page.get_by_test_id("messages")
            await expect(messages).to_contain_text(lines[0].text)
            await expect(messages).to_contain_text(lines[-1].text.rpartition(": ")[2])
            await expect(messages).to_contain_text(".ics")
            shot = await visit.page.screenshot(animations="disabled", scale="css")
            picture = folder / f"readme-{words.locale[:2]}.webp"
            await asyncio.to_thread(write_small, shot, picture)
    assert f"](docs/images/{picture.name})" in (ROOT / page).read_text("utf-8")
    assert (ROOT / "docs/images" / picture.name).stat().st_size < 120_000
