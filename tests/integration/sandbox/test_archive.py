"""Chats on the page outlive a restart: what people and bots sent, with files, keyboards and edits."""

import stat
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from botapi_sandbox import DEFAULT_USERS, BotAccount, SandboxSettings, SandboxUser, SandboxUserError, serve_sandbox

ANNA = DEFAULT_USERS[0].id
DIALOG = f"archive_bot:{ANNA}"
OLD, NEW = "5000000001:first-secret", "5000000001:second-secret"


class Bot:
    """A bot that calls methods."""

    def __init__(self, web: aiohttp.ClientSession, url: str, token: str) -> None:
        self._web = web
        self._root = f"{url}/bot{token}"

    async def call(self, method: str, **params: object) -> object:
        async with self._web.post(f"{self._root}/{method}", json=params) as response:
            answer = await response.json()
        assert answer["ok"], answer
        return answer["result"]


@pytest.fixture
def settings(tmp_path: Path) -> SandboxSettings:
    return SandboxSettings((BotAccount(OLD, "archive_bot", "Архив"),), tmp_path / "sandbox", keeps_chats=True)


def with_new_token(settings: SandboxSettings) -> SandboxSettings:
    """Return the settings of a run to which the same bots come with new tokens."""
    return replace(settings, bots=(BotAccount(NEW, "archive_bot", "Архив"),))


async def test_chats_outlive_a_restart(settings: SandboxSettings, tmp_path: Path) -> None:
    async with serve_sandbox(settings) as run, SandboxUser(run.base_url, ANNA, DIALOG) as anna, web() as session:
        bot = Bot(session, run.base_url, OLD)
        first = await anna.say("Привет")
        await anna.send_file(b"plain text", "document", "письмо.txt")
        gone = await anna.say("сотри это")
        keyboard = {"keyboard": [[{"text": "Меню"}]]}
        await bot.call("sendMessage", chat_id=ANNA, text="Вот меню", reply_markup=keyboard)
        inline = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
        asked = await bot.call("sendMessage", chat_id=ANNA, text="Верно?", reply_markup=inline)
        await anna.edit(first["message_id"], "Здравствуйте")
        await bot.call("deleteMessage", chat_id=ANNA, message_id=gone["message_id"])
        reaction = [{"type": "emoji", "emoji": "👍"}]
        await bot.call("setMessageReaction", chat_id=ANNA, message_id=first["message_id"], reaction=reaction)
        await anna.block()
        before = await anna.get_dialog()
    async with (
        serve_sandbox(with_new_token(settings)) as run,
        SandboxUser(run.base_url, ANNA, DIALOG) as anna,
        web() as session,
    ):
        bot = Bot(session, run.base_url, NEW)
        after = await anna.get_dialog()
        assert {**after, "seq": 0} == {**before, "seq": 0}
        await anna.block(blocked=False)
        await anna.press("Да")
        updates = await bot.call("getUpdates")
        assert isinstance(updates, list)
        assert updates[-1]["callback_query"]["message"]["message_id"] == asked["message_id"]  # type: ignore[index]
        later = await anna.say("Ещё раз")
        assert later["message_id"] > max(one["message_id"] for one in before["messages"])
        file = next(one["document"]["file_id"] for one in after["messages"] if "document" in one)
        async with session.get(f"{run.base_url}/sandbox/api/files/{file}") as answer:
            assert await answer.read() == b"plain text"
    journal = settings.folder / "chats.jsonl"
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


async def test_a_journal_is_bounded_and_keeps_the_newest_chats(settings: SandboxSettings) -> None:
    small = replace(settings, max_chat_bytes=40_000, messages_per_dialog=20)
    async with serve_sandbox(small) as run:
        for user in DEFAULT_USERS:
            async with SandboxUser(run.base_url, user.id, f"archive_bot:{user.id}") as someone:
                for number in range(60):
                    await someone.say(f"{number} " + "слово " * 20)
        assert (small.folder / "chats.jsonl").stat().st_size <= 41_000
    async with serve_sandbox(small) as run, SandboxUser(run.base_url, user.id, f"archive_bot:{user.id}") as last:
        assert [one["text"].split()[0] for one in await last.history()] == [str(number) for number in range(40, 60)]


@pytest.mark.parametrize(
    "damage", [b'{"type": "message", "dia', b"\xff\xfe\n", b"[]\n", b'{"type": "edit"}\n', b"{}\n"]
)
async def test_a_damaged_line_costs_itself_alone(damage: bytes, settings: SandboxSettings) -> None:
    journal = settings.folder / "chats.jsonl"
    async with serve_sandbox(settings) as run, SandboxUser(run.base_url, ANNA, DIALOG) as anna:
        await anna.say("первое")
        await anna.say("второе")
    first, second = [line for line in journal.read_bytes().splitlines(keepends=True) if b'"message_id"' in line]
    journal.write_bytes(first + second + damage)
    async with serve_sandbox(settings) as run, SandboxUser(run.base_url, ANNA, DIALOG) as anna:
        assert [one["text"] for one in await anna.history()] == ["первое", "второе"]


async def test_a_reset_empties_the_next_run_too(settings: SandboxSettings) -> None:
    async with serve_sandbox(settings) as run, SandboxUser(run.base_url, ANNA, DIALOG) as anna:
        await anna.say("первое")
        await anna.call("POST", "/reset")
        await anna.say("второе")
    async with serve_sandbox(settings) as run, SandboxUser(run.base_url, ANNA, DIALOG) as anna:
        assert [one["text"] for one in await anna.history()] == ["второе"]


async def test_a_chat_of_a_bot_that_is_gone_is_left_out(settings: SandboxSettings) -> None:
    async with serve_sandbox(settings) as run, SandboxUser(run.base_url, ANNA, DIALOG) as anna:
        await anna.say("первое")
    other = replace(settings, bots=(BotAccount("5000000002:third-secret", "other_bot", "Другой"),))
    async with serve_sandbox(other) as run, SandboxUser(run.base_url, ANNA, f"other_bot:{ANNA}") as anna:
        assert await anna.history() == []
        with pytest.raises(SandboxUserError, match="no such dialog"):
            await SandboxUser(run.base_url, ANNA, DIALOG, session=anna._session).get_dialog()


def web() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
