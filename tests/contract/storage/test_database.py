import asyncio
import shutil
import signal
import sqlite3
import stat
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from beseda.core.errors import NotFoundError, RowRefusedError, SettingsError, StorageError
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.db import migrate
from beseda.db.database import Database, parse_url
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.tables import conversations
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.turns.tables import turns
from beseda.engine.updates.model import StoredUpdate
from beseda.engine.updates.repository import UpdateRepository
from beseda.ephemeral.sql_state import states
from tests.contract.storage.world import World
from tests.parts.postgres import PostgresServer, find_free_port

ROOT = Path(__file__).parents[3]


def count_turns(connection: Connection) -> int:
    number: int = connection.execute(select(func.count()).select_from(turns)).scalar_one()
    return number


async def test_bad_row_fails_only_its_own_caller(world: World) -> None:
    conversation = await world.open_conversation()
    good = [Turn(new_id(), conversation, 7, TurnKind.CHAT) for _ in range(60)]
    bad = [Turn(new_id(), conversation, 404, TurnKind.CHAT) for _ in range(2)]
    everyone = [*good[:20], bad[0], *good[20:50], bad[1], *good[50:]]
    results = await asyncio.gather(
        *(world.turns.open(turn, Message(Role.USER, "q")) for turn in everyone), return_exceptions=True
    )
    failed = [turn for turn, result in zip(everyone, results, strict=True) if isinstance(result, StorageError)]
    assert failed == bad
    assert await world.database.read(count_turns) == 60


async def test_failed_entry_leaves_nothing_of_itself(world: World) -> None:
    conversation = await world.open_conversation()
    turn = Turn(new_id(), conversation, 7, TurnKind.CHAT)
    turn.reply_to = 2**70
    with pytest.raises(StorageError):
        await world.turns.open(turn, Message(Role.USER, "q"))
    assert await world.turns.find(turn.id) is None


async def test_refused_row_names_the_constraint_that_it_breaks(world: World) -> None:
    known = await world.open_conversation()

    def repeat_key(connection: Connection) -> None:
        connection.execute(insert(states), [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])

    def repeat_chat(connection: Connection) -> None:
        row = connection.execute(select(conversations).where(conversations.c.id == known.id)).one()
        connection.execute(insert(conversations), [{**row._mapping, "id": new_id()}])

    def leave_out(connection: Connection) -> None:
        connection.execute(insert(states), [{"key": "b", "value": None}])

    broken = []
    for work in (repeat_key, repeat_chat, leave_out):
        with pytest.raises(RowRefusedError) as caught:
            await world.database.write(work)
        broken.append(caught.value.constraint)
    assert broken == ["pk_states", "uq_conversations_bot_chat_id_thread_id", ""]


async def test_work_that_raises_is_undone_alone(database: Database) -> None:
    def fail(_connection: Connection) -> None:
        raise NotFoundError("gone")

    results = await asyncio.gather(
        database.write(count_turns), database.write(fail), database.write(lambda _c: "done"), return_exceptions=True
    )
    assert results[0] == 0
    assert isinstance(results[1], NotFoundError)
    assert results[2] == "done"


async def test_cancelled_caller_loses_nothing(world: World) -> None:
    conversation = await world.open_conversation()
    many = [Turn(new_id(), conversation, 7, TurnKind.CHAT) for _ in range(50)]
    tasks = [asyncio.create_task(world.turns.open(turn, None)) for turn in many]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results[:2]] == [asyncio.CancelledError, type(None)]
    assert await world.database.read(count_turns) == 50


async def test_steps_of_one_turn_in_one_batch_end_as_one_after_another(world: World) -> None:
    conversation = await world.open_conversation()
    turn = Turn(new_id(), conversation, 7, TurnKind.CHAT)
    opening = asyncio.create_task(world.turns.open(turn, None))
    await asyncio.sleep(0)
    turn.state, turn.reason = TurnState.FAILED, "stopped"
    await asyncio.gather(opening, world.turns.finish(turn))
    found = await world.turns.find(turn.id)
    assert found is not None
    assert found.state is TurnState.FAILED


async def test_close_writes_the_queue(database_url: str) -> None:
    database = await Database.open(database_url)
    task = asyncio.create_task(database.write(lambda _c: "done"))
    await asyncio.sleep(0)
    await database.close()
    assert await task == "done"
    with pytest.raises(StorageError):
        await database.write(count_turns)


async def test_nothing_stored_is_lost_by_kill(database_url: str) -> None:
    command = (sys.executable, "-m", "tests.contract.storage.writer_process", database_url)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    said = [await asyncio.wait_for(process.stdout.readline(), 20) for _ in range(60)]
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    database = await Database.open(database_url)
    turns_there = TurnRepository(database)
    found = [await turns_there.find(int(line)) for line in said if line.endswith(b"\n")]
    await database.close()
    assert {turn.state if turn else None for turn in found} == {TurnState.DELIVERED}


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


async def test_postgres_reads_without_a_transaction_around(own_postgres: PostgresServer) -> None:
    database = await Database.open(own_postgres.create_database())
    # The time of a transaction is that of its beginning: each statement has one of its own.
    moments = await database.read(lambda c: [c.execute(select(func.now())).scalar() for _ in range(3)])
    written = await database.write(lambda c: [c.execute(select(func.now())).scalar() for _ in range(3)])
    assert (len(set(moments)), len(set(written))) == (3, 1)
    await database.close()


async def test_postgres_keeps_its_connections_from_burst_to_burst(own_postgres: PostgresServer) -> None:
    database = await Database.open(own_postgres.create_database())
    query = select(func.pg_backend_pid())
    seen: set[int] = set()
    for _ in range(5):
        burst = (database.read(lambda c: c.execute(query).scalar_one()) for _ in range(30))
        seen.update(await asyncio.gather(*burst))
    assert len(seen) <= 10
    await database.close()


async def test_postgres_restarted_in_the_middle(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    await migrate.upgrade(url)
    database = await Database.open(url)
    stores = UpdateRepository(database), TurnRepository(database), ConversationRepository(database)
    world = World(database, *stores)
    stopped, done = asyncio.Event(), 0

    async def chat(number: int) -> None:
        nonlocal done
        conversation = await world.open_conversation(number)
        while not stopped.is_set() or done < 200:
            await world.talk(conversation, "q", "a")
            done += 1

    chats = asyncio.gather(*map(chat, range(1, 17)))
    for _ in range(2):
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.start)
    stopped.set()
    await asyncio.wait_for(chats, 60)
    assert await database.read(count_turns) == done
    await database.close()


async def test_postgres_gone_for_longer_than_patience(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    database = await Database.open(url, patience=0.3)
    await asyncio.to_thread(own_postgres.stop)
    with pytest.raises(StorageError):
        await asyncio.wait_for(database.write(lambda c: c.exec_driver_sql("SELECT 1").scalar()), 20)
    await asyncio.to_thread(own_postgres.start)
    assert await database.read(lambda c: c.exec_driver_sql("SELECT 1").scalar()) == 1
    await database.close()


async def test_sqlite_locked_by_another_process_leaves_the_loop_free(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "beseda.db")
    database = await Database.open(f"sqlite:///{tmp_path}/beseda.db")
    other = sqlite3.connect(tmp_path / "beseda.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(database.write_and_read([], count_turns))
    started = time.perf_counter()
    done, _ = await asyncio.wait([task], timeout=0.2)
    assert not done
    assert time.perf_counter() - started < 2
    other.execute("ROLLBACK")
    other.close()
    assert await asyncio.wait_for(task, 10) == 0
    await database.close()


async def test_sqlite_log_does_not_grow_without_end(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "beseda.db")
    database = await Database.open(f"sqlite:///{tmp_path}/beseda.db")
    updates = UpdateRepository(database)
    sizes = []
    for number in range(240):
        await updates.store([StoredUpdate("assistant", number + 1, bytes(200_000))])
        sizes.append((await asyncio.to_thread((tmp_path / "beseda.db-wal").stat)).st_size)
    await database.close()
    assert sum(sizes) > 0
    assert max(sizes) < 20_000_000


async def test_sqlite_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "beseda.db"
    database = await Database.open(f"sqlite:///{path}")
    await database.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x INTEGER)"))
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await database.close()
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("pragma", ["NORMAL", "FULL"])
async def test_sqlite_synchronous_is_as_asked(tmp_path: Path, pragma: str) -> None:
    database = await Database.open(
        f"sqlite:///{tmp_path}/beseda.db", synchronous="FULL" if pragma == "FULL" else "NORMAL"
    )
    found = await database.read(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar_one())
    await database.close()
    assert found == {"NORMAL": 1, "FULL": 2}[pragma]


@pytest.mark.parametrize(
    "url",
    ["", "beseda.db", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/n", "postgresql://u:secret@h", "a b://"],
)
def test_bad_url_names_the_setting_and_no_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_url(url)
    assert "DATABASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_driver_suffix_is_taken_off(name: str) -> None:
    assert parse_url(f"{name}://u:p@h:5432/n").drivername == "postgresql"
    assert parse_url("sqlite+aiosqlite:///x.db").drivername == "sqlite"


async def test_unreachable_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await Database.open(f"postgresql://u:p@127.0.0.1:{find_free_port()}/n")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        await Database.open(f"sqlite:///{tmp_path}/file/beseda.db")
