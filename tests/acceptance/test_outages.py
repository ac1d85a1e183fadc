"""Outages that a process survives are seen from outside: by `/ready`, a gauge of `/metrics`, and `beseda doctor`."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from beseda.sandbox.server import RunningSandbox, serve_sandbox
from beseda.sandbox.settings import DEFAULT_USERS, BotAccount, SandboxSettings
from beseda.sandbox.user import SandboxUser
from tests.acceptance.program import Program, Service
from tests.parts.postgres import PostgresServer
from tests.parts.waiting import eventually

ANNA = DEFAULT_USERS[0].id
TOKEN = "7100000009:token-for-tests-token-for-tests"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    settings = SandboxSettings((BotAccount(TOKEN, "assistant_bot", "A"),), tmp_path / "sandbox")
    async with serve_sandbox(settings) as running:
        yield running


async def read_ready(service: Service) -> tuple[int, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.get(f"{service.url}/ready") as response:
        return response.status, (await response.json())["parts"]


async def read_gauges(url: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the samples of `/metrics` by name and values of labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        page = await response.text()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def examine(program: Program) -> dict[str, dict[str, Any]]:
    """Return the findings of `beseda doctor` by part."""
    outcome = await program("doctor", "--json")
    return {finding["part"]: finding for finding in orjson.loads(outcome.out)}


async def test_database_that_only_reads_is_named(
    beseda: Program, server: PostgresServer, sandbox: RunningSandbox
) -> None:
    url = server.create_database()
    name = url.rpartition("/")[2]
    program = beseda.with_environ(DATABASE_URL=url, TELEGRAM_API_URL=sandbox.base_url, ASSISTANT_BOT_TOKEN=TOKEN)
    async with program.serve("bot", "--bot", "assistant") as service:
        assert await read_ready(service) == (200, {"database": "ok", "disk": "ok"})
        server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

        async def is_seen() -> bool:
            return (await read_ready(service))[1]["database"] == "cannot be written"

        await eventually(is_seen, within=30)
        finding = (await examine(program))["database"]
        assert not finding["ok"]
        assert "takes no writes" in finding["detail"]

        async def is_gauged() -> bool:
            return (await read_gauges(service.url))["beseda_part_up", ("database",)] == 0

        await eventually(is_gauged, within=15)
        server.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

        async def is_over() -> bool:
            return (await read_ready(service))[0] == 200

        await eventually(is_over, within=30)

        async def is_logged() -> bool:
            return "takes writes again" in service.log.read_text()

        await eventually(is_logged, within=30)


@pytest.mark.slow  # a heartbeat may be thirty seconds old
async def test_dead_worker_and_dead_schedule_are_named(beseda: Program, sandbox: RunningSandbox) -> None:
    program = beseda.with_environ(
        TELEGRAM_API_URL=sandbox.base_url, ASSISTANT_BOT_TOKEN=TOKEN, CELERY_BROKER_URL="redis://127.0.0.1:1/0"
    )
    async with program.serve("bot", "--bot", "assistant") as service:
        worker = await program.spawn("worker", "--port", "0")
        beat = await program.spawn("beat", "--port", "0")
        address = (await _read_line(worker)).rpartition(" ")[2].removesuffix("/metrics")
        await _read_line(beat)
        gauges = await read_gauges(address)
        assert (gauges["beseda_processes", ("worker",)], gauges["beseda_schedules", ()]) == (1, 1)
        status = orjson.loads((await program("status", "--json")).out)
        assert {process["role"] for process in status["processes"]} == {"bot", "worker", "beat"}
        assert (await examine(program))["workers"]["ok"]
        for process in (worker, beat):
            process.send_signal(signal.SIGKILL)
            await process.communicate()

        async def are_missed() -> bool:
            gauges = await read_gauges(service.url)
            return (gauges["beseda_processes", ("worker",)], gauges["beseda_schedules", ()]) == (0, 0)

        await eventually(are_missed, within=45)
        findings = await examine(program)
        assert "start `beseda worker`" in findings["workers"]["detail"]
        assert "start `beseda beat`" in findings["schedule"]["detail"]


async def test_worker_serves_its_own_jobs_as_metrics(beseda: Program, sandbox: RunningSandbox) -> None:
    program = beseda.with_environ(TELEGRAM_API_URL=sandbox.base_url, ASSISTANT_BOT_TOKEN=TOKEN)
    worker = await program.spawn("worker", "--beat", "--port", "0")
    address = (await _read_line(worker)).rpartition(" ")[2].removesuffix("/metrics")

    async def has_counted() -> bool:
        return any(name == "beseda_jobs_total" for name, _ in await read_gauges(address))

    await eventually(has_counted, within=30)
    worker.send_signal(signal.SIGTERM)
    await asyncio.wait_for(worker.communicate(), 25)


async def test_webhook_that_leads_nowhere_is_named(beseda: Program, sandbox: RunningSandbox) -> None:
    program = beseda.with_environ(
        TELEGRAM_API_URL=sandbox.base_url,
        ASSISTANT_BOT_TOKEN=TOKEN,
        BESEDA_PUBLIC_URL="http://127.0.0.1:9",
        BESEDA_WEBHOOK_SECRET="secret",
    )
    async with program.serve("bot", "--bot", "assistant"):
        async with SandboxUser(sandbox.base_url, ANNA, f"assistant_bot:{ANNA}") as anna:
            await anna.say("Hi")

        async def is_named() -> bool:
            finding = (await examine(program)).get("webhook of assistant", {"ok": True})
            return not finding["ok"] and "could not deliver" in finding["detail"]

        await eventually(is_named, within=25)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB, mounted for the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs: run as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_full_disk_is_named(beseda: Program, sandbox: RunningSandbox, small_disk: Path) -> None:
    program = beseda.with_environ(
        TELEGRAM_API_URL=sandbox.base_url, ASSISTANT_BOT_TOKEN=TOKEN, STORAGE_DIR=str(small_disk)
    )
    async with program.serve("bot", "--bot", "assistant") as service:
        assert (await read_ready(service))[0] == 200
        with contextlib.suppress(OSError):
            (small_disk / "filler").write_bytes(bytes(32 * 1024 * 1024))

        async def is_seen() -> bool:
            status, parts = await read_ready(service)
            return status == 503 and parts["disk"] == "full"

        await eventually(is_seen, within=30)
        assert (await read_gauges(service.url))["beseda_disk_free_bytes", ()] < 4 * 1024 * 1024
        finding = (await examine(program))["storage"]
        assert not finding["ok"]
        (small_disk / "filler").unlink()

        async def is_over() -> bool:
            return (await read_ready(service))[0] == 200

        await eventually(is_over, within=30)


async def _read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
