"""A worker killed in the middle of a broadcast: nobody gets it twice, and whoever may not have got it is named."""

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from botapi_sandbox import SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program
from tests.parts.living_bot import ANNA, TOKEN, account
from tests.parts.waiting import eventually

pytestmark = pytest.mark.slow

PEOPLE = range(7100000001, 7100000101)
TEXTS = {"ru": "Новости дня"}


async def greet(anna: SandboxUser) -> None:
    """Have everybody say hello."""
    for user_id in PEOPLE:
        person = {"id": user_id, "first_name": "P", "language_code": "ru"}
        await anna.call("POST", "/users", json=person)
        path = f"/dialogs/assistant_bot:{user_id}/messages"
        await anna.call("POST", path, json={"user_id": user_id, "text": "/start"})


async def read_sent(anna: SandboxUser, text: str) -> Counter[int]:
    """Return how often each person got a message that begins so."""
    calls = (await anna.call("GET", "/calls", params={"method": "sendMessage"}))["calls"]
    sent = [call for call in calls if call["status"] == 200 and call["params"]["text"].startswith(text)]
    return Counter(int(call["params"]["chat_id"]) for call in sent)


class Office:
    """The API as a company's own program calls it."""

    def __init__(self, url: str, key: str, session: aiohttp.ClientSession) -> None:
        self._base = f"{url}/api/v1/broadcasts"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session = session

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        async with self._session.post(self._base + path, json=body, headers=self._headers) as answer:
            assert answer.ok, await answer.text()
            return dict(await answer.json())

    async def get(self, path: str) -> dict[str, Any]:
        async with self._session.get(self._base + path, headers=self._headers) as answer:
            assert answer.ok, await answer.text()
            return dict(await answer.json())


async def test_worker_killed_in_the_middle(beseda: Program, tmp_path: Path) -> None:
    async with (
        serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox,
        SandboxUser(sandbox.base_url, ANNA, f"assistant_bot:{ANNA}") as anna,
        aiohttp.ClientSession() as session,
    ):
        program = beseda.with_environ(BOT_TOKEN=TOKEN, TELEGRAM_API_URL=sandbox.base_url, BESEDA_LIMITS="off")
        async with program.serve("bot") as bot:
            await greet(anna)

            async def are_greeted() -> bool:
                return len(await read_sent(anna, "")) >= len(PEOPLE)

            await eventually(are_greeted, within=30)
            await bot.stop()
        key = (await program("keys", "create", "crm", "--scope", "admin")).out.strip()
        async with program.serve("api") as api:
            office = Office(api.url, key, session)
            draft = {"bot": "assistant", "title": "News", "texts": TEXTS, "quiet_hours": ""}
            number = (await office.post("", draft))["id"]
            await office.post(f"/{number}/start")
            for few in (20, 50):
                worker = await program.spawn("worker")

                async def are_few(few: int = few) -> bool:
                    return len(await read_sent(anna, "Новости")) >= few

                await eventually(are_few, within=60)
                worker.send_signal(signal.SIGKILL)
                await worker.communicate()
            worker = await program.spawn("worker", "--beat")

            async def is_done() -> bool:
                return bool((await office.get(f"/{number}"))["state"] == "done")

            await eventually(is_done, within=90)
            worker.terminate()
            await asyncio.wait_for(worker.communicate(), 30)
            report = (await office.get(f"/{number}"))["counts"]
            unknown = (await office.get(f"/{number}/recipients?state=sending"))["items"]
        sent = await read_sent(anna, "Новости")
    missing = set(PEOPLE) - set(sent)
    assert set(sent.values()) == {1}
    assert missing <= {one["user_id"] for one in unknown}
    assert report["unsettled"] == len(unknown) <= 2 * 8
    assert report["sent"] + report["unsettled"] == report["total"] == len(PEOPLE)
