"""The API as a company has it: keys from the command line, bots in one process, the API in another."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import orjson
import pytest

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program
from tests.parts.waiting import eventually

ANNA = DEFAULT_USERS[0].id


async def make_key(beseda: Program, scope: str = "write") -> str:
    made = await beseda("keys", "create", "crm", "--scope", scope)
    assert (made.code, made.out.count("\n")) == (0, 1)
    return made.out.strip()


def bearing(key: str, url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"})


async def test_operator_writes_from_a_process_without_bots(beseda: Program) -> None:
    key = await make_key(beseda)
    async with beseda.serve("run") as bots, beseda.serve("api") as api, bearing(key, api.url) as web:
        async with SandboxUser(bots.url, ANNA, f"assistant_bot:{ANNA}") as anna:
            await anna.say("Hello")
            await anna.wait_reply(20)
            async with web.get("/api/v1/conversations?bot=assistant") as answer:
                [line] = (await answer.json())["items"]
            place = f"/api/v1/conversations/{line['id']}"
            async with web.put(f"{place}/takeover", json={"operator": "Maria"}) as answer:
                assert answer.status == 200
            async with web.post(f"{place}/messages", json={"text": "Maria here"}) as answer:
                assert answer.status == 202

            async def has_come() -> bool:
                return any(entry["text"] == "Maria here" for entry in await anna.history())

            await eventually(has_come, within=60)
        assert [await service.stop() for service in (api, bots)] == [0, 0]
    assert "Traceback" not in api.log.read_text()


async def test_run_serves_the_api_too(beseda: Program) -> None:
    key = await make_key(beseda, "read")
    async with beseda.serve("run") as service, bearing(key, service.url) as web:
        async with web.get("/api/v1/bots/assistant") as answer:
            assert (answer.status, (await answer.json())["running"]) == (200, True)
        async with web.get("/openapi.json") as answer:
            assert "/api/v1/leads" in (await answer.json())["paths"]
        assert await service.stop() == 0


async def test_revoked_on_one_machine_refused_on_another(beseda: Program) -> None:
    key = await make_key(beseda)
    async with beseda.serve("api") as service, bearing(key, service.url) as web:

        async def is_let_in() -> bool:
            async with web.get("/api/v1/jobs") as answer:
                return answer.status == 200

        async def is_refused() -> bool:
            return not await is_let_in()

        assert await is_let_in()
        assert (await beseda("keys", "revoke", "1")).out == "Key 1 for crm is revoked.\n"
        await eventually(is_refused)
        assert await service.stop(signal.SIGINT) == 0


async def test_keys_are_listed_for_people_and_programs(beseda: Program, tmp_path: Path) -> None:
    made = orjson.loads((await beseda("keys", "create", "crm", "--scope", "admin", "--json")).out)
    [listed] = orjson.loads((await beseda("keys", "list", "--json")).out)
    assert listed == {name: value for name, value in made.items() if name != "key"}
    shown = (await beseda("keys", "list")).out
    assert ("crm" in shown, made["key"] in shown) == (True, False)
    stored = await asyncio.to_thread((tmp_path / "data" / "beseda.db").read_bytes)
    assert made["key"].split("_", 2)[2].encode() not in stored
    gone = orjson.loads((await beseda("keys", "revoke", "1", "--json")).out)
    assert gone["revoked_at"] is not None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("create", ""), "name"),
        (("create", "x\ny"), "name"),
        (("create", "x", "--scope", "root"), "scope"),
        (("create",), "argument"),
        (("revoke", "7"), "no key 7"),
        (("revoke", "x"), "integer"),
        (("revoke", "9223372036854775808"), "less than"),
    ],
)
async def test_wrong_word_about_keys_is_one_line(arguments: tuple[str, ...], complaint: str, beseda: Program) -> None:
    outcome = await beseda("keys", *arguments)
    assert (outcome.code, complaint in outcome.complaint) == (2, True), outcome.complaint
