"""An installation of commit 03a7a6d, killed at work, comes up under this version with nothing lost."""

import json
import re
import sqlite3
import tarfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from beseda.app_database import check_backup
from botapi_sandbox import DEFAULT_USERS, BotAccount, RunningSandbox, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program, Service
from tests.parts.model_server import ModelServer, Reply
from tests.parts.postgres import PostgresServer
from tests.parts.speech_server import SpeechServer
from tests.parts.waiting import eventually

pytestmark = pytest.mark.slow

ANNA, CHRIS, BORIS = (person.id for person in DEFAULT_USERS)
_SAMPLES = Path(__file__).parents[1] / "samples" / "upgrade"
_VOICE = _SAMPLES.parent / "voice" / "hello.ogg"
_FILE_ID = re.compile(r'(?<="file_id":")VO[\w-]+')
_MADE_AT = 1796067300_000000
"""When the archives were made, in microseconds since the epoch: their times are moved to now."""
_BOTS = {
    "assistant_bot": "7100000001:token-for-tests-token-for-tests",
    "sales_bot": "7100000002:token-for-tests-token-for-tests",
    "media_bot": "7100000003:token-for-tests-token-for-tests",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """The upgraded installation at work, and the servers around it."""

    service: Service
    sandbox: RunningSandbox
    key: str

    async def get(self, path: str) -> Any:
        """Return the JSON of a path below /api/v1."""
        root = self.service.url.split("/sandbox")[0].rstrip("/")
        headers = {"Authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{root}/api/v1{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json()


@pytest.fixture(params=["sqlite", "postgresql"])
async def installation(request: pytest.FixtureRequest, beseda: Program, tmp_path: Path) -> AsyncIterator[Installation]:
    with tarfile.open(_SAMPLES / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    accounts = tuple(BotAccount(token, name, name) for name, token in _BOTS.items())
    async with AsyncExitStack() as stack:
        environ = {"BESEDA_MODEL": "vllm"}
        model = await stack.enter_async_context(ModelServer())
        model.default = Reply(text="Ответ новой версии.")
        speech = await stack.enter_async_context(SpeechServer())
        settings = SandboxSettings(accounts, tmp_path.parent / f"{tmp_path.name}-sandbox")
        sandbox = await stack.enter_async_context(serve_sandbox(settings))
        recording = await _start_chats(sandbox)
        if request.param == "postgresql":
            environ["DATABASE_URL"] = stack.enter_context(_restored(tmp_path / "dump.sql", recording))
        else:
            _refresh_sqlite(tmp_path / "data" / "beseda.db", recording)
        _set_addresses(tmp_path / ".env", sandbox.base_url, model.base_url, speech.base_url)
        service = await stack.enter_async_context(beseda.with_environ(**environ).serve("run"))
        key = json.loads((tmp_path / "key.json").read_text())["key"]
        yield Installation(service, sandbox, key)


async def test_upgrade_finishes_the_work_of_the_old_version_and_keeps_its_rows(
    installation: Installation, tmp_path: Path
) -> None:
    for person, bot, text, times in (
        (ANNA, "assistant_bot", "Ответ новой версии.", 2),
        (BORIS, "assistant_bot", "Ответ, который не ушёл.", 1),
        (BORIS, "media_bot", SpeechServer().text, 3),  # the third is the recording that starts the chat
    ):
        await _wait_for_answers(installation, f"{bot}:{person}", text, times)
    await _assert_stored_things_are_there(installation)
    copies = list((tmp_path / "data" / "backups").glob("before-*-from-0011.tar.gz"))
    assert len(copies) == 1, "run backs up before it migrates"
    assert check_backup(copies[0]).rows > 0


async def _assert_stored_things_are_there(installation: Installation) -> None:
    leads = await installation.get("/leads")
    assert [(lead["user_id"], lead["name"], lead["notes"], lead["stage"]) for lead in leads["items"]] == [
        (CHRIS, "Крис", "перезвонить", "presentation")
    ]
    lead = await installation.get(f"/leads/{leads['items'][0]['id']}")
    assert {field["name"] for field in lead["fields"]} >= {"name", "problems", "volume"}
    meetings = await installation.get("/meetings")
    assert [meeting["lead_id"] for meeting in meetings["items"]] == [lead["id"]]
    webhooks = await installation.get("/webhooks")
    assert [webhook["url"] for webhook in webhooks["items"]] == ["http://127.0.0.1:9/hook"]
    conversations = await installation.get("/conversations?bot=assistant")
    assert {conversation["user_id"] for conversation in conversations["items"]} == {ANNA, BORIS}
    reports = await installation.get("/analytics/reports")
    assert [report["state"] for report in reports["items"]] == ["ready"]


async def _start_chats(sandbox: RunningSandbox) -> str:
    """Let the people start the bots of this new sandbox; return the file id of a recording that it holds."""
    for bot, person in (("assistant_bot", ANNA), ("assistant_bot", BORIS)):
        async with SandboxUser(sandbox.base_url, person, f"{bot}:{person}") as user:
            await user.say("/start")
    async with SandboxUser(sandbox.base_url, BORIS, f"media_bot:{BORIS}") as user:
        message = await user.send_voice(_VOICE.read_bytes())
    return str(message["voice"]["file_id"])


async def _wait_for_answers(installation: Installation, dialog: str, text: str, times: int) -> None:
    """Wait until a dialog holds so many messages of the bot with `text`, and fail if it holds more."""
    async with SandboxUser(installation.sandbox.base_url, int(dialog.split(":")[1]), dialog) as user:

        async def count() -> int:
            messages = [message for message in await user.history() if message["from"]["is_bot"]]
            return sum(text in message.get("text", "") for message in messages)

        async def are_there() -> bool:
            return await count() >= times

        await eventually(are_there, within=30)
        assert await count() == times


def _set_addresses(env_file: Path, telegram: str, model: str, speech: str) -> None:
    text = env_file.read_text()
    for name, address in (("TELEGRAM_API_URL", telegram), ("VLLM_BASE_URL", model), ("ASR_BASE_URL", speech)):
        text = re.sub(rf"^{name}=.*$", f"{name}={address}", text, flags=re.MULTILINE)
    env_file.write_text(text)


@contextmanager
def _restored(dump: Path, recording: str) -> Iterator[str]:
    """Load the dump into a PostgreSQL of its own, move its times to now, and let its jobs name `recording`."""
    server = PostgresServer()
    try:
        url = server.create_database()
        dump.write_text(_FILE_ID.sub(recording, dump.read_text()))
        server.load(url, dump)
        moved = dump.with_name("moved.sql")
        moved.write_text(_MOVE_TIMES.replace("AGE", str(time.time_ns() // 1000 - _MADE_AT)))
        server.load(url, moved)
        yield url
    finally:
        server.close()


_MOVE_TIMES = """
DO $$
DECLARE place record;
BEGIN
  FOR place IN SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
  LOOP
    EXECUTE format('UPDATE public.%I SET %I = %I + interval ''AGE microseconds''',
      place.table_name, place.column_name, place.column_name);
  END LOOP;
END $$;
"""


def _refresh_sqlite(path: Path, recording: str) -> None:
    """Move every time to now and let the jobs name `recording`. Times are microseconds, and no id is of that size."""
    age = time.time_ns() // 1000 - _MADE_AT
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
                database.execute(
                    f'UPDATE "{table}" SET "{column}" = "{column}" + ? '
                    f'WHERE typeof("{column}") = \'integer\' AND "{column}" BETWEEN 1.7e15 AND 1.9e15',
                    (age,),
                )
        for job, payload in database.execute("SELECT id, payload FROM jobs").fetchall():
            database.execute("UPDATE jobs SET payload = ? WHERE id = ?", (_FILE_ID.sub(recording, payload), job))
        database.commit()
