"""Conversations on pages are those that a person has: each is played in the sandbox and compared."""

from pathlib import Path

import pytest

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program
from tests.docs.reader import read_blocks
from tests.docs.transcript import play, read_transcript

ANNA, CHRIS = (person.id for person in DEFAULT_USERS[:2])


async def play_page(page: str, bot: str, person: int, folder: Path) -> None:
    """Start a bot without any model, as `make run` does, and have the conversation of a page with it."""
    lines = read_transcript(page)
    assert len(lines) > 3
    program = Program(folder)
    try:
        async with (
            program.serve("run", "--bot", bot) as service,
            SandboxUser(service.url, person, f"{bot}_bot:{person}") as user,
        ):
            await play(lines, user)
    finally:
        await program.close()


@pytest.mark.parametrize(("page", "person"), [("README.md", CHRIS), ("README.ru.md", ANNA)])
async def test_conversation_of_the_readme_is_real(page: str, person: int, tmp_path: Path) -> None:
    await play_page(page, "sales", person, tmp_path)


@pytest.mark.parametrize(("page", "person"), [("docs/start/tutorial.md", CHRIS), ("docs/start/tutorial.ru.md", ANNA)])
async def test_conversation_of_the_tutorial_is_real(page: str, person: int, tmp_path: Path) -> None:
    for block in read_blocks(page):
        if block.file.startswith("bots/"):
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    await play_page(page, "librarian", person, tmp_path)
