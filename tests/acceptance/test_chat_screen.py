"""`beseda chat` on a screen: what a person sees who presses keys while an answer is written."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import PROGRAM
from tests.parts.model_server import ModelServer, Reply
from tests.parts.tmux_screen import open_screen

WORDS = [f"слово{number} " for number in range(400)]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        server.default = Reply(text=["Хорошо."])
        server.script(Reply(text=WORDS, chunk_delay=0.05))
        yield server


@pytest.fixture
def environ(server: ModelServer) -> dict[str, str]:
    model = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.base_url, "BESEDA_MODEL": "openai:test/served-model"}
    return {"LANG": "C.UTF-8", "HOME": "/nonexistent", "PATH": "/usr/bin:/bin", **model}


def count_words(shown: str) -> dict[str, int]:
    found = re.findall(r"слово\d+\b", shown)
    return {word: found.count(word) for word in found if found.count(word) > 1}


def last_question(server: ModelServer) -> str:
    return str(server.requests[-1].body["messages"][-1]["content"])


def interrupt(command: str, folder: Path, environ: dict[str, str]) -> str:
    with open_screen(command, folder, environ) as screen:
        screen.wait_for("Enter отправит")
        screen.type("расскажи")
        screen.press("Enter")
        screen.wait_for("слово25")
        screen.press("C-c")
        return screen.wait_for("остановлено")


async def test_ctrl_c_leaves_the_answer_on_the_screen_once(environ: dict[str, str], tmp_path: Path) -> None:
    shown = await asyncio.to_thread(interrupt, f"{PROGRAM} chat --new", tmp_path, environ)
    assert count_words(shown) == {}
    assert "^C" not in shown


def type_ahead(folder: Path, environ: dict[str, str], *, stop: bool) -> str:
    with open_screen(f"{PROGRAM} chat --new", folder, environ) as screen:
        screen.wait_for("Enter отправит")
        screen.type("расскажи")
        screen.press("Enter")
        screen.wait_for("слово10")
        screen.type("второй вопрос")
        screen.wait_for("слово20")
        if stop:
            screen.press("C-c")
        else:
            screen.press("Enter")
            screen.wait_for("слово30")
            screen.press("C-c")
        shown = screen.wait_for("> второй вопрос")
        if stop:
            screen.press("Enter")
        screen.wait_for("Хорошо.")
        return shown


@pytest.mark.parametrize("stop", [True, False], ids=["typed", "sent"])
async def test_keys_pressed_ahead_tear_no_answer_and_are_kept(
    stop: bool, environ: dict[str, str], server: ModelServer, tmp_path: Path
) -> None:
    shown = await asyncio.to_thread(type_ahead, tmp_path, environ, stop=stop)
    assert count_words(shown) == {}
    assert shown.count("второй вопрос") == 1
    assert last_question(server) == "второй вопрос"


def leave(folder: Path, environ: dict[str, str]) -> str:
    with open_screen(f"trap : INT; {PROGRAM} chat --new; stty -a; cat", folder, environ) as screen:
        screen.wait_for("Enter отправит")
        screen.type("расскажи")
        screen.press("Enter")
        screen.wait_for("слово5")
        screen.press("C-c")
        screen.wait_for("остановлено")
        screen.type("/exit")
        screen.press("Enter")
        return screen.wait_for("echoctl")


async def test_the_terminal_echoes_again_afterwards(environ: dict[str, str], tmp_path: Path) -> None:
    shown = await asyncio.to_thread(leave, tmp_path, environ)
    assert re.search(r"(?<![-\w])echo ", shown)
    assert "-noflsh" in shown
