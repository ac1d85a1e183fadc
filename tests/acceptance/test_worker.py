"""A bot that hands its work to workers: Celery with Redis, or the table alone; the outcome reaches the chat once."""

import asyncio
import signal
import sqlite3
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from beseda.engine.jobs.model import SLOTS
from botapi_sandbox import DEFAULT_USERS, BotAccount, RunningSandbox, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program
from tests.parts.redis import RedisServer
from tests.parts.speech_server import Fault, SpeechServer
from tests.parts.waiting import eventually

TOKEN = "7100000009:token-for-tests-token-for-tests"
SAID = SpeechServer().text
VOICE = (Path(__file__).parents[1] / "samples" / "voice" / "hello.ogg").read_bytes()
ANNA = DEFAULT_USERS[0].id


@dataclass
class Plant:
    """A sandbox, a program whose settings meet it, and the workers that a test starts."""

    program: Program
    sandbox: RunningSandbox
    redis: RedisServer

    async def start_worker(self, *options: str) -> asyncio.subprocess.Process:
        worker = await self.program.spawn("worker", *options)
        assert worker.stdout is not None
        line = await asyncio.wait_for(worker.stdout.readline(), 30)
        assert line.startswith(b"Beseda's worker is up"), line
        return worker

    async def stop(self, worker: asyncio.subprocess.Process, how: signal.Signals = signal.SIGTERM) -> int:
        worker.send_signal(how)
        await asyncio.wait_for(worker.communicate(), 25)
        assert worker.returncode is not None
        return worker.returncode

    @asynccontextmanager
    async def anna(self) -> AsyncIterator[SandboxUser]:
        async with SandboxUser(self.sandbox.base_url, ANNA, f"media_bot:{ANNA}") as user:
            yield user

    def read(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.program.folder / "data" / "beseda.db", timeout=5)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(params=["celery", "table"])
async def plant(request: pytest.FixtureRequest, beseda: Program, tmp_path: Path) -> AsyncIterator[Plant]:
    redis = RedisServer(tmp_path)
    settings = SandboxSettings((BotAccount(TOKEN, "media_bot", "M"),), tmp_path / "sandbox")
    async with AsyncExitStack() as stack:
        stack.callback(redis.stop)
        sandbox = await stack.enter_async_context(serve_sandbox(settings))
        environ = {"TELEGRAM_API_URL": sandbox.base_url, "MEDIA_BOT_TOKEN": TOKEN, "BESEDA_LIMITS": "off"}
        if request.param == "celery":
            environ |= {"CELERY_BROKER_URL": redis.url, "REDIS_URL": redis.url}
        yield Plant(beseda.with_environ(**environ), sandbox, redis)


def hearing(plant: Plant, speech: SpeechServer) -> Plant:
    environ = {"BESEDA_SPEECH": "asr", "ASR_BASE_URL": speech.base_url}
    return Plant(plant.program.with_environ(**environ), plant.sandbox, plant.redis)


async def send_recording(anna: SandboxUser) -> None:
    await anna.say("🎤 Аудио")
    await anna.wait_reply(20)
    await anna.send_voice(VOICE)


async def shown(anna: SandboxUser) -> tuple[int, int]:
    """Count the transcripts shown and the files sent."""
    history = await anna.history()
    return sum(SAID in message.get("text", "") for message in history), sum("document" in item for item in history)


async def test_recording_is_heard_by_a_worker_and_its_text_reaches_the_chat(plant: Plant) -> None:
    async with SpeechServer() as speech, plant.anna() as anna:
        plant = hearing(plant, speech)
        async with plant.program.serve("bot", "--bot", "media") as service:
            worker = await plant.start_worker()
            await send_recording(anna)
            await anna.wait_text(SAID, 20)
            await eventually(lambda: shown_twice(anna))
            assert await plant.stop(worker) == 0
            assert await service.stop() == 0
        assert (await shown(anna), len(speech.heard)) == ((1, 2), 1)


async def shown_twice(anna: SandboxUser) -> bool:
    return await shown(anna) == (1, 2)


async def test_worker_killed_in_mid_work_is_stood_in_for_by_another(plant: Plant) -> None:
    async with SpeechServer(faults=deque([Fault.HANG])) as speech, plant.anna() as anna:
        plant = hearing(plant, speech)
        async with plant.program.serve("bot", "--bot", "media"):
            first = await plant.start_worker("--slots", "speech")
            await send_recording(anna)

            async def is_heard() -> bool:
                return bool(speech.heard)

            await eventually(is_heard, within=60)
            second = await plant.start_worker()
            await plant.stop(first, signal.SIGKILL)
            await anna.wait_text(SAID, 40)
            await eventually(lambda: shown_twice(anna))
            assert await plant.stop(second) == 0
        assert await shown(anna) == (1, 2)


async def test_clock_and_workers_run_each_due_job_once(plant: Plant) -> None:
    program = plant.program
    worker, *beats = [await plant.start_worker(), await program.spawn("beat"), await program.spawn("beat")]

    async def is_done() -> bool:
        rows = plant.read("SELECT kind, state FROM jobs") if worker.returncode is None else []
        return ("record.tidy", "done") in rows and all(state == "done" for _, state in rows)

    await eventually(is_done, within=90)
    for process in (*beats, worker):
        assert await plant.stop(process) == 0
    kinds = [kind for (kind,) in plant.read("SELECT kind FROM jobs WHERE attempt = 1")]
    assert kinds.count("record.tidy") == 1


@pytest.mark.parametrize("address", ["localhost", "amqp://localhost/", "redis://:secret-word@localhost:port/"])
async def test_address_that_is_no_brokers_is_refused_at_the_start(beseda: Program, address: str) -> None:
    refused = await beseda.with_environ(CELERY_BROKER_URL=address)("worker")
    assert refused.code == 2
    assert refused.complaint.startswith("beseda: CELERY_BROKER_URL: ")
    assert "secret-word" not in refused.err


async def test_slots_that_there_are_not_are_refused(beseda: Program) -> None:
    refused = await beseda("worker", "--slots", "heavy,fast")
    assert refused.code == 2
    assert "'fast'" in refused.complaint
    assert ", ".join(SLOTS) in refused.complaint
