"""`beseda run` behind a public address: Telegram calls, and nobody polls."""

from pathlib import Path

import aiohttp

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program
from tests.parts.postgres import find_free_port
from tests.parts.waiting import eventually

ANNA = DEFAULT_USERS[0].id
TOKEN = "7100000001:sandbox-token-of-the-assistant"
SECRET = "of-the-webhook_1"


async def test_updates_come_by_webhook_and_are_not_polled_for(beseda: Program) -> None:
    port = find_free_port()
    async with (
        beseda.serve("sandbox") as telegram,
        SandboxUser(telegram.url, ANNA, f"assistant_bot:{ANNA}") as anna,
        aiohttp.ClientSession() as web,
    ):
        public = f"http://127.0.0.1:{port}"
        program = beseda.with_environ(
            BOT_TOKEN=TOKEN, TELEGRAM_API_URL=telegram.url, BESEDA_PUBLIC_URL=public, BESEDA_WEBHOOK_SECRET=SECRET
        )
        await anna.say("/start")
        async with program.serve("run", port=port) as service:
            assert "Здравствуйте" in (await anna.wait_reply())["text"], "what came before the start is not lost"
            await anna.say("/stats")
            await anna.wait_reply()
            calls = {call["method"]: call["params"] for call in (await anna.call("GET", "/calls"))["calls"]}
            assert "getUpdates" not in calls
            assert calls["setWebhook"]["url"] == f"{public}/telegram/assistant"
            for path in ("/telegram/assistant", "/telegram/nobody"):
                async with web.post(public + path, json={"update_id": 1}) as answer:
                    assert answer.status == 401
            assert await service.stop() == 0
        await anna.say("/help")
        async with beseda.with_environ(BOT_TOKEN=TOKEN, TELEGRAM_API_URL=telegram.url).serve("run") as service:
            assert "Я личный помощник" in (await anna.wait_reply())["text"], "without the two variables it polls again"
            await eventually(lambda: _has_polled(anna))
            assert await service.stop() == 0
    assert not [log for log in beseda.folder.glob("*.log") if SECRET in _read(log)]


async def _has_polled(anna: SandboxUser) -> bool:
    return bool((await anna.call("GET", "/calls", params={"method": "getUpdates"}))["calls"])


def _read(log: Path) -> str:
    return log.read_text()


async def test_private_sandbox_polls_with_any_public_address(beseda: Program) -> None:
    public = beseda.with_environ(
        BOT_TOKEN=TOKEN, BESEDA_PUBLIC_URL="https://bots.example.org", BESEDA_WEBHOOK_SECRET=SECRET
    )
    async with (
        public.serve("run", "--sandbox") as service,
        SandboxUser(service.url, ANNA, f"assistant_bot:{ANNA}") as anna,
    ):
        await anna.say("/start")
        assert "Здравствуйте" in (await anna.wait_reply())["text"]
        assert await service.stop() == 0


async def test_address_that_telegram_refuses_is_named(beseda: Program) -> None:
    async with beseda.serve("sandbox") as telegram, aiohttp.ClientSession() as web:
        refusal = {"kind": "error", "method": "setWebhook", "status": 400, "description": "bad webhook: an IP address"}
        async with web.post(f"{telegram.url}/sandbox/api/faults", json=refusal) as answer:
            assert answer.status == 200, await answer.text()
        failed = await beseda.with_environ(
            BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=telegram.url,
            BESEDA_PUBLIC_URL="https://bots.example.org",
            BESEDA_WEBHOOK_SECRET=SECRET,
        )("run", "--port", "0")
    assert failed.code == 2
    assert "BESEDA_PUBLIC_URL" in failed.complaint
    assert "https://bots.example.org" in failed.complaint
