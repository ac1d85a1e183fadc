"""Five foreign client libraries, the newest the registries have, use the sandbox: every feature works in every one.

They are installed into a cache folder outside the tree, once for each version of this file.
"""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.parts.media_samples import make_png
from tests.parts.sandboxes import ANNA, FORUM, TOKEN, BotClient, as_user, open_sandbox

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).parent / "clients"
_NAMES = (
    "getMe updates HTML reply edit editMarkup photo download album voice animation sticker bulk delete pin topic "
    "action commands permissions missing"
)
FEATURES = frozenset(_NAMES.split())
# Library: the ordinary client of its registry, the package, the program that drives it.
PYTHON = {"python-telegram-bot": "python_telegram_bot.py", "pyTelegramBotAPI": "pytelegrambotapi.py"}
NODE = ("grammy", "telegraf")
INSTALL_SECONDS = 240


def get_cache(name: str) -> Path:
    """The folder that a library is installed into, a new one for every version of this file."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    return root / "beseda-tests" / f"{name}-{version}"


async def run(*command: str, **environment: str) -> str:
    """What a program prints; fails with its last words."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, errors.decode(errors="replace")[-2000:]
    return output.decode()


async def install(name: str) -> Path:
    """Install a library from its registry; without network this is a skip, under CI=true a failure."""
    folder = get_cache(name)
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        if name in NODE:
            await run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), name)
        else:
            await run(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), name)
    except (AssertionError, OSError, TimeoutError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{name} could not be installed: {error}")
    (folder / "complete").touch()
    return folder


def make_command(name: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    if name in NODE:
        return ["node", str(CLIENTS / "node_clients.cjs"), name], {"NODE_PATH": str(folder / "node_modules")}
    program = PYTHON.get(name, "aiogram_client.py")
    return [sys.executable, str(CLIENTS / program)], {"PYTHONPATH": str(folder)} if name in PYTHON else {}


@pytest.mark.parametrize("name", ["aiogram", *PYTHON, *NODE])
async def test_every_feature_works_in_a_foreign_client(tmp_path: Path, name: str) -> None:
    folder = Path() if name == "aiogram" else await install(name)
    command, environment = make_command(name, folder)
    async with open_sandbox(tmp_path) as running, as_user(running) as anna, aiohttp.ClientSession() as session:
        bot = BotClient(running.base_url, session)
        await bot.get("getUpdates", allowed_updates=["message", "edited_message", "message_reaction"])
        said = await anna.say("превет")
        await anna.edit(said["message_id"], "привет")
        await anna.react(said["message_id"], "👍")
        async with as_user(running, ANNA, f"group:{FORUM}") as owner:
            await owner.make_administrator("first_bot")
        arguments = (running.base_url, TOKEN, str(ANNA), str(FORUM), make_png().hex())
        results = json.loads(await run(*command, *arguments, NO_PROXY="127.0.0.1", **environment))
    assert {feature: result for feature, result in results.items() if result != "ok"} == {}
    assert set(results) == FEATURES
