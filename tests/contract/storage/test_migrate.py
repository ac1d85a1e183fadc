import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beseda.app_tables import metadata
from beseda.core.errors import SettingsError, StorageError
from beseda.db import migrate
from beseda.db.database import Database
from tests.parts.postgres import find_free_port

ROOT = Path(__file__).parents[3]


async def execute(url: str, sql: str) -> None:
    database = await Database.open(url)
    await database.write(lambda connection: connection.exec_driver_sql(sql))
    await database.close()


def test_head_is_the_last_revision() -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - only here

    assert ScriptDirectory(str(migrate.find_scripts())).get_heads() == [migrate.HEAD]


async def test_upgrade_from_empty_leaves_nothing_to_do(empty_url: str) -> None:
    assert await migrate.check(empty_url) != []
    await migrate.upgrade(empty_url)
    assert await migrate.check(empty_url) == []
    await migrate.upgrade(empty_url)


async def test_tables_are_those_of_the_code(database_url: str) -> None:
    assert await migrate.find_drift(database_url) == []


async def test_drift_is_noticed(database_url: str) -> None:
    await execute(database_url, "DROP TABLE flood_waits")
    assert "flood_waits" in str(await migrate.find_drift(database_url))


async def test_downgrade_and_upgrade(database_url: str) -> None:
    await migrate.downgrade(database_url, "base")
    [problem] = await migrate.check(database_url)
    assert "beseda db upgrade" in problem
    await migrate.upgrade(database_url)
    assert await migrate.find_drift(database_url) == []


async def test_newer_database_is_left_alone(database_url: str) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    [problem] = await migrate.check(database_url)
    assert "newer" in problem
    with pytest.raises(SettingsError, match="newer"):
        await migrate.upgrade(database_url)


async def test_several_processes_upgrade_concurrently(empty_url: str) -> None:
    code = f"import asyncio; from beseda.db import migrate; asyncio.run(migrate.upgrade({empty_url!r}))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    outcomes = await asyncio.gather(*(asyncio.wait_for(process.communicate(), 60) for process in processes))
    assert [errors for _, errors in outcomes] == [b""] * 3
    assert await migrate.check(empty_url) == []


async def test_upgrade_that_breaks_off_leaves_no_trace(empty_url: str) -> None:
    await execute(empty_url, "CREATE TABLE turns (id INTEGER)")
    with pytest.raises(StorageError):
        await migrate.upgrade(empty_url)
    await execute(empty_url, "DROP TABLE turns")
    await migrate.upgrade(empty_url)
    assert await migrate.find_drift(empty_url) == []


async def test_draft_of_unchanged_tables_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "100% mine"
    shutil.copytree(migrate.find_scripts(), folder)
    path = await migrate.draft("Add nothing", folder)
    text = await asyncio.to_thread(path.read_text)
    assert path.name == f"{int(migrate.HEAD) + 1:04}_add_nothing.py"
    assert f'down_revision: str | None = "{migrate.HEAD}"' in text.replace("'", '"')
    assert "op.create_table" not in text


async def test_draft_from_nothing_creates_every_table(tmp_path: Path) -> None:
    shutil.copytree(migrate.find_scripts(), tmp_path / "scripts", ignore=shutil.ignore_patterns("0*.py"))
    await asyncio.to_thread((tmp_path / "scripts" / "versions").mkdir, exist_ok=True)
    path = await migrate.draft("Begin", tmp_path / "scripts")
    text = await asyncio.to_thread(path.read_text)
    assert text.count("op.create_table(") == len(metadata.tables)


async def test_current_sqlite_starts_fast(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await migrate.upgrade(url)
    started = time.process_time()
    await migrate.upgrade(url)
    assert time.process_time() - started < 0.05


async def test_current_sqlite_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await migrate.upgrade(url)
    code = (
        "import asyncio, sys; from beseda.db import migrate;"
        f"asyncio.run(migrate.upgrade({url!r})); print({{'alembic', 'asyncpg'}} & set(sys.modules))"
    )
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60
    )
    assert (run.stdout.strip(), run.stderr) == (b"set()", b"")


async def test_check_makes_no_file(tmp_path: Path) -> None:
    [problem] = await migrate.check(f"sqlite:///{tmp_path}/none.db")
    assert "does not exist" in problem
    with pytest.raises(StorageError):
        await migrate.find_drift(f"sqlite:///{tmp_path}/nowhere/none.db")
    assert not any(await asyncio.to_thread(os.listdir, tmp_path))


async def test_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "beseda.db").write_text("Dear diary, " * 100)
    with pytest.raises(SettingsError, match="not a SQLite database"):
        await migrate.upgrade(f"sqlite:///{tmp_path}/beseda.db")


async def test_postgres_that_is_not_there() -> None:
    with pytest.raises(StorageError):
        await migrate.upgrade(f"postgresql://u:p@127.0.0.1:{find_free_port()}/n")
