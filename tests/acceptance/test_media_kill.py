"""`kill -9` in the middle of work that takes its time: the next start finishes it, and sends what came of it once."""

import random
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from beseda.core.errors import ToolError
from beseda.locales.errors import error_text
from botapi_sandbox import DEFAULT_USERS, BotAccount, RunningSandbox, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program
from tests.parts.speech_server import Fault, SpeechServer
from tests.parts.waiting import eventually

pytestmark = pytest.mark.slow

TOKEN = "7100000009:token-for-tests-token-for-tests"
_KILLS = 4
SAID = SpeechServer().text
VOICE = (Path(__file__).parents[1] / "samples" / "voice" / "hello.ogg").read_bytes()


@asynccontextmanager
async def _user(sandbox: RunningSandbox, number: int = 0) -> AsyncIterator[SandboxUser]:
    person = DEFAULT_USERS[number].id
    async with SandboxUser(sandbox.base_url, person, f"media_bot:{person}") as user:
        yield user


@asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[RunningSandbox]:
    async with serve_sandbox(SandboxSettings((BotAccount(TOKEN, "media_bot", "M"),), folder / "sandbox")) as sandbox:
        yield sandbox


def _media(beseda: Program, sandbox: RunningSandbox, speech: SpeechServer) -> Program:
    return beseda.with_environ(
        TELEGRAM_API_URL=sandbox.base_url,
        MEDIA_BOT_TOKEN=TOKEN,
        BESEDA_SPEECH="asr",
        ASR_BASE_URL=speech.base_url,
        BESEDA_LIMITS="off",
        BESEDA_JOB_SLOTS="speech=1",
    )


async def _send(user: SandboxUser) -> None:
    await user.say("🎤 Аудио")
    await user.wait_reply(20)
    await user.send_voice(VOICE)


def _outcomes(history: list[dict[str, Any]]) -> tuple[int, int]:
    """Count the transcripts shown and the files sent."""
    shown = sum(SAID in message.get("text", "") for message in history)
    return shown, sum("document" in message for message in history)


@pytest.mark.parametrize("waiting", [1, 3], ids=["while it runs", "while others wait"])
async def test_work_is_finished_by_the_next_start(beseda: Program, tmp_path: Path, waiting: int) -> None:
    async with _sandbox(tmp_path) as sandbox, SpeechServer(faults=deque([Fault.HANG])) as speech:
        program = _media(beseda, sandbox, speech)
        async with AsyncExitStack() as stack:
            users = [await stack.enter_async_context(_user(sandbox, number)) for number in range(waiting)]
            async with program.serve("run", "--bot", "media") as service:
                for user in users:
                    await _send(user)
                    await user.wait_reply(20)
                await eventually(lambda: _heard(speech))
                await service.stop(signal.SIGKILL)
            async with program.serve("run", "--bot", "media"):
                for user in users:
                    await user.wait_text(SAID, 40)
                    await user.wait_for(lambda event: _named(event, ".srt"), 20)
            assert [_outcomes(await user.history()) for user in users] == [(1, 2)] * waiting


async def test_stored_outcome_is_sent_by_the_next_start(beseda: Program, tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox, SpeechServer() as speech, _user(sandbox) as anna:
        program = _media(beseda, sandbox, speech)
        fault = {"kind": "error", "method": "sendDocument", "status": 502, "count": 1000}
        await anna.call("POST", "/faults", json=fault)
        async with program.serve("run", "--bot", "media") as service:
            await _send(anna)
            await anna.wait_text(SAID, 30)
            await eventually(lambda: _calls(anna, "sendDocument"))
            await service.stop(signal.SIGKILL)
        await anna.call("DELETE", "/faults")
        async with program.serve("run", "--bot", "media"):
            await anna.wait_for(lambda event: _named(event, ".srt"), 30)
        assert _outcomes(await anna.history()) == (1, 2)
        assert len(speech.heard) == 1


async def test_kills_at_any_moment_lose_nothing_and_double_nothing(beseda: Program, tmp_path: Path) -> None:
    chance, number = random.Random(8), 4
    async with _sandbox(tmp_path) as sandbox, SpeechServer(delay=0.1) as speech, AsyncExitStack() as stack:
        program = _media(beseda, sandbox, speech)
        users = [await stack.enter_async_context(_user(sandbox, place)) for place in range(len(DEFAULT_USERS))]
        for user in users:
            await user.say("🎤 Аудио")
            for _ in range(number):
                await user.send_voice(VOICE)
        for _ in range(_KILLS):
            begun = await _count_calls(users[0])
            async with program.serve("run", "--bot", "media") as service:
                await _wait_for_calls(users[0], begun + chance.randint(2, 9))
                await service.stop(signal.SIGKILL)
        async with program.serve("run", "--bot", "media"):
            for user in users:
                await eventually(partial(_is_through, user, number), within=120)
        for user in users:
            names = [message["document"]["file_name"] for message in await user.history() if "document" in message]
            # A file whose call was under way may come twice: nobody can know whether Telegram took it.
            assert len(names) - len(set(names)) <= _KILLS * len(users)
            shown, _ = _outcomes(await user.history())
            assert shown + _given_up(await user.history()) == number


async def _is_through(user: SandboxUser, number: int) -> bool:
    history = await user.history()
    texts = {message["document"]["file_name"] for message in history if _named({"message": message}, ".txt")}
    return len(texts) + _given_up(history) >= number


def _given_up(history: list[dict[str, Any]]) -> int:
    """Count the recordings over which three processes have died: they are told of, with a button to try again."""
    return sum(error_text(ToolError).say("ru") in message.get("text", "") for message in history) + sum(
        error_text(ToolError).say("en") in message.get("text", "") for message in history
    )


async def _count_calls(user: SandboxUser) -> int:
    methods = ("sendMessage", "editMessageText", "sendDocument")
    return sum([len(await _calls(user, method)) for method in methods])


async def _wait_for_calls(user: SandboxUser, number: int) -> None:
    async def are_made() -> bool:
        return await _count_calls(user) >= number

    await eventually(are_made, within=30)


def _named(event: dict[str, Any], suffix: str) -> bool:
    return str(event.get("message", {}).get("document", {}).get("file_name", "")).endswith(suffix)


async def _heard(speech: SpeechServer) -> bool:
    return bool(speech.heard)


async def _calls(user: SandboxUser, method: str) -> list[Any]:
    return list((await user.call("GET", "/calls", params={"method": method}))["calls"])
