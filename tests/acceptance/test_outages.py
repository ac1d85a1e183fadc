"""Outages that a process survives are seen from outside: by `/ready`, a gauge of `/metrics`, and `beseda doctor`."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, Delete, delete

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.ids import lowest_id
from beseda.core.message import Message, Role
from beseda.core.serving import Listener
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.tables import messages
from beseda.engine.turns.model import Turn, TurnKind
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.turns.tables import turns
from botapi_sandbox import DEFAULT_USERS, BotAccount, RunningSandbox, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program, Service
from tests.acceptance.test_api import bearing, make_key
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


def is_logged(service: Service, *texts: str) -> Callable[[], Awaitable[bool]]:
    """Return the condition that the log holds these texts."""

    async def read() -> bool:
        log = service.log.read_text()
        return all(text in log for text in texts)

    return read


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

        await eventually(is_gauged, within=60)
        server.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

        async def is_over() -> bool:
            return (await read_ready(service))[0] == 200

        await eventually(is_over, within=30)
        await eventually(is_logged(service, "takes writes again"), within=30)


async def test_outage_of_writes_is_logged_once_and_ends_within_seconds(
    beseda: Program, server: PostgresServer, sandbox: RunningSandbox
) -> None:
    url = server.create_database()
    name = url.rpartition("/")[2]
    program = beseda.with_environ(DATABASE_URL=url, TELEGRAM_API_URL=sandbox.base_url, ASSISTANT_BOT_TOKEN=TOKEN)
    async with (
        program.serve("bot", "--bot", "assistant") as service,
        SandboxUser(sandbox.base_url, ANNA, f"assistant_bot:{ANNA}") as anna,
    ):

        def end_sessions() -> None:
            server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

        server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        end_sessions()
        await anna.say("Привет")
        # Without an upper bound of its own the pause would have grown to twelve seconds and more by now.
        await eventually(partial(_has_paused, service, 6), within=60)
        server.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        end_sessions()
        await eventually(partial(_has_answer, anna), within=10)
        await eventually(is_logged(service, "for the chats of assistant is back"), within=10)
    # One outage, and the short one of the sessions that were ended for the test.
    assert _count(service, "for the chats of assistant is away") <= 2


def _count(service: Service, text: str) -> int:
    return service.log.read_text().count(text)


async def _has_paused(service: Service, times: int) -> bool:
    return _count(service, "polling pauses") >= times


async def _has_answer(person: SandboxUser) -> bool:
    return any(message["from"]["is_bot"] for message in await person.history())


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

        await eventually(are_missed, within=30)
        findings = await examine(program)
        assert "start `beseda worker`" in findings["workers"]["detail"]
        assert "start `beseda beat`" in findings["schedule"]["detail"]
        await eventually(is_logged(service, "workers: no process", "schedule: no process"), within=30)
        await program.spawn("worker", "--beat", "--port", "0")
        await eventually(is_logged(service, "workers: recovered", "schedule: recovered"), within=45)


async def test_worker_serves_its_own_jobs_as_metrics(beseda: Program, sandbox: RunningSandbox) -> None:
    program = beseda.with_environ(TELEGRAM_API_URL=sandbox.base_url, ASSISTANT_BOT_TOKEN=TOKEN)
    worker = await program.spawn("worker", "--beat", "--port", "0")
    address = (await _read_line(worker)).rpartition(" ")[2].removesuffix("/metrics")

    async def has_counted() -> bool:
        return any(name == "beseda_jobs_total" for name, _ in await read_gauges(address))

    await eventually(has_counted, within=30)
    worker.send_signal(signal.SIGTERM)
    await asyncio.wait_for(worker.communicate(), 25)


@pytest.mark.slow  # two looks at the webhook, and Telegram's wait between two tries
async def test_webhook_that_leads_nowhere_is_named(beseda: Program, sandbox: RunningSandbox) -> None:
    public = Listener("127.0.0.1", 0)
    address = public.address
    public.close()  # no process listens there now
    program = beseda.with_environ(
        TELEGRAM_API_URL=sandbox.base_url,
        ASSISTANT_BOT_TOKEN=TOKEN,
        BESEDA_PUBLIC_URL=address,
        BESEDA_WEBHOOK_SECRET="secret",
    )
    async with program.serve("bot", "--bot", "assistant") as service:
        async with SandboxUser(sandbox.base_url, ANNA, f"assistant_bot:{ANNA}") as anna:
            await anna.say("Hi")

            async def is_gauged() -> bool:
                return (await read_gauges(service.url))["beseda_telegram_webhook_up", ("assistant",)] == 0

            await eventually(is_gauged, within=30)
            finding = (await examine(program))["webhook of assistant"]
            assert not finding["ok"]
            assert "could not deliver" in finding["detail"]
            port = int(address.rpartition(":")[2])
            async with forward(port, int(service.url.rpartition(":")[2])):
                await anna.wait_reply(60)
                await eventually(is_logged(service, "could not deliver", "delivers to the webhook again"), within=30)
        assert (await read_gauges(service.url))["beseda_telegram_webhook_up", ("assistant",)] == 1
        assert (await examine(program))["webhook of assistant"]["ok"]


def run_statement(connection: Connection, statement: Delete) -> None:
    connection.execute(statement)


@asynccontextmanager
async def forward(port: int, to: int) -> AsyncIterator[None]:
    """Forward connections from one port of this machine to another."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, outer), pump(inner, writer))

    server = await asyncio.start_server(connect, "127.0.0.1", port)
    yield
    server.close()


@pytest.mark.slow  # five processes
async def test_changed_secret_of_events_is_named(beseda: Program, sandbox: RunningSandbox) -> None:
    before = {"TELEGRAM_API_URL": sandbox.base_url, "ASSISTANT_BOT_TOKEN": TOKEN, "BESEDA_WEBHOOKS_ALLOW_PRIVATE": "on"}
    program = beseda.with_environ(**before, BESEDA_EVENTS_SECRET="the first secret of the owner")
    key = await make_key(program, "admin")
    new = {"url": "http://127.0.0.1:9/hook"}
    async with (
        program.serve("api") as service,
        bearing(key, service.url) as web,
        web.post("/api/v1/webhooks", json=new) as answer,
    ):
        assert answer.status == 201
    changed = beseda.with_environ(**before, BESEDA_EVENTS_SECRET="another secret of the owner")
    async with changed.serve("api") as service, bearing(key, service.url) as web:
        assert (await read_gauges(service.url))["beseda_refusing_webhooks", ()] == 1
        finding = (await examine(changed))["events secret"]
        assert not finding["ok"]
        assert "BESEDA_EVENTS_SECRET_OLD" in finding["detail"]
        await eventually(is_logged(service, "1 webhooks have keys of another secret"), within=30)
        async with web.post("/api/v1/webhooks/1/key") as answer:
            assert answer.status == 200
        assert (await examine(changed))["events secret"]["ok"]
        await eventually(is_logged(service, "webhook 1 has a new key"), within=30)


@pytest.mark.slow  # two rounds of the watch
async def test_clock_that_was_ahead_is_named(beseda: Program) -> None:
    assert (await beseda("db", "upgrade")).code == 0
    database = await Database.open(f"sqlite:///{beseda.folder / 'data' / 'beseda.db'}")
    conversation = await ConversationRepository(database).open(
        ChatKey("assistant", ANNA), ChatKind.PRIVATE, "", Person(ANNA, "Anna")
    )
    ahead = lowest_id(datetime.now(UTC) + timedelta(days=200))
    turn = Turn(ahead, conversation, ANNA, TurnKind.CHAT, input="Hi")
    await TurnRepository(database).open(turn, Message(Role.USER, "Hi"))
    async with beseda.serve("api") as service:
        assert (await read_gauges(service.url))["beseda_clock_ahead_seconds", ()] > 199 * 86400
        assert not (await examine(beseda))["clock"]["ok"]
        await eventually(is_logged(service, "made in the future", "clock: the newest row"), within=30)
        for statement in (delete(messages), delete(turns)):
            await database.write(partial(run_statement, statement=statement))
        await eventually(is_logged(service, "clock: recovered"), within=30)
    await database.close()


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


@pytest.mark.slow  # two rounds of the watch
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
        await eventually(is_logged(service, "is full: free some room"), within=30)
        (small_disk / "filler").unlink()

        async def is_over() -> bool:
            return (await read_ready(service))[0] == 200

        await eventually(is_over, within=30)
        await eventually(is_logged(service, "disk: recovered"), within=30)


async def _read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
