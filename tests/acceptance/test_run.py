"""`beseda run` as a process: a newcomer's first minute in the browser, and every way to end it."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from beseda import __version__
from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program, Service
from tests.parts.model_server import ModelServer, Reply, fall_silent
from tests.parts.redis import RedisServer
from tests.parts.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANNA = DEFAULT_USERS[0].id
TOKEN = "7100000001:sandbox-token-of-the-assistant"


async def test_newcomer_talks_to_the_bot_in_the_browser(beseda: Program, browser: Browser) -> None:
    async with beseda.serve("run", fresh=True) as service:
        context = await browser.new_context(locale="ru-RU")
        page = await context.new_page()
        page.set_default_timeout(15_000)
        await page.goto(service.url)
        assert "/sandbox" in page.url
        await expect(page.get_by_test_id("composer")).to_be_focused()
        await page.keyboard.type("Покажи форматирование\n")
        await expect(page.get_by_test_id("draft")).to_be_visible()
        answer = page.locator('[data-testid=message][data-out="false"]')
        await expect(
            answer.get_by_test_id("message-text").locator("strong").filter(has_text="жирный").first
        ).to_be_visible()
        await expect(answer.locator("pre code").first).to_contain_text("def greet")
        await expect(page.get_by_test_id("draft")).to_be_hidden()
        await page.keyboard.type("/clear\n")
        await page.get_by_test_id("inline-button").first.click()
        await expect(page.get_by_test_id("inline-button")).to_have_count(0)
        await context.close()
        assert await service.stop() == 0
    assert "Traceback" not in service.log.read_text()


async def test_web_of_a_running_sandbox(beseda: Program) -> None:
    async with beseda.serve("run") as service, aiohttp.ClientSession(service.url) as web:
        async with web.get("/health") as answer:
            assert await answer.json() == {"status": "ok", "service": "beseda", "version": __version__}
        async with web.get("/ready") as answer:
            assert await answer.json() == {"status": "ok", "parts": {"database": "ok", "disk": "ok"}}
        async with web.get("/nowhere") as answer:
            assert answer.content_type == "application/problem+json"
            assert await answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404}
        async with web.post("/telegram/assistant", json={"update_id": 1}) as answer:
            assert answer.status == 404, "there is no webhook without its secret"
        async with web.get("/", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421, "a foreign name must not reach the chats"
        assert await service.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("host", ["localhost", "::1"])
async def test_host_of_this_machine_is_taken_and_a_flag_stands_above_variables(host: str, beseda: Program) -> None:
    async with beseda.with_environ(BESEDA_HOST="0.0.0.0", BESEDA_PORT="1").serve("run", "--host", host) as service:
        assert service.url.startswith(f"http://{host}:" if host == "localhost" else f"http://[{host}]:")
        async with aiohttp.ClientSession() as web, web.get(f"{service.url}/sandbox") as page:
            assert page.status == 200
        assert await service.stop() == 0


async def test_redis_that_goes_away_is_named_and_the_process_stays(beseda: Program, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    try:
        async with (
            beseda.with_environ(REDIS_URL=redis.url).serve("run") as service,
            aiohttp.ClientSession(service.url) as web,
        ):
            async with web.get("/ready") as answer:
                assert (await answer.json())["parts"] == {"database": "ok", "disk": "ok", "redis": "ok"}
            redis.stop()
            async with web.get("/ready") as answer:
                assert answer.status == 503
                assert (await answer.json())["parts"] == {"database": "ok", "disk": "ok", "redis": "does not answer"}
            async with web.get("/health") as answer:
                assert answer.status == 200
            assert await service.stop() == 0
    finally:
        redis.stop()


class Deployment:
    """The program as it serves Telegram: a Bot API server of its own, a model server, and a bot that comes and goes."""

    def __init__(self, beseda: Program, model: ModelServer, telegram: Service, anna: SandboxUser) -> None:
        self.model = model
        self.anna = anna
        self.program = beseda.with_environ(
            BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=telegram.url,
            BESEDA_MODEL="openai:test/served-model",
            OPENAI_API_KEY="x",
            OPENAI_BASE_URL=model.base_url,
        )

    async def texts(self) -> list[str]:
        return [message["text"] for message in await self.anna.history()]


@asynccontextmanager
async def deploy(beseda: Program, *flags: str) -> AsyncIterator[Deployment]:
    async with (
        ModelServer() as model,
        beseda.serve("sandbox", *flags) as telegram,
        SandboxUser(telegram.url, ANNA, f"assistant_bot:{ANNA}") as anna,
    ):
        yield Deployment(beseda, model, telegram, anna)


async def test_running_answer_is_finished_before_the_end(beseda: Program) -> None:
    async with deploy(beseda) as world:
        world.model.default = Reply(text=["до ", "конца"], chunk_delay=0.5)
        async with world.program.serve("run", "--no-sandbox") as service:
            await world.anna.say("Привет")
            await world.model.wait_for_request(timeout=20)
            assert await service.stop() == 0
        assert await world.texts() == ["Привет", "до конца"]


async def test_killed_answer_is_taken_up_by_the_next_start(beseda: Program) -> None:
    async with deploy(beseda) as world:
        world.model.script(fall_silent())
        async with world.program.serve("run", "--no-sandbox") as service:
            await world.anna.say("Привет")
            await world.model.wait_for_request(timeout=20)
            assert await service.stop(signal.SIGKILL) == -signal.SIGKILL
        await world.anna.say("Ещё вопрос")
        world.model.default = Reply(text=["после"])
        async with world.program.serve("run", "--no-sandbox") as service:
            await world.anna.wait_reply(20)
            await world.anna.wait_reply(20)
            assert await service.stop() == 0
        assert await world.texts() == ["Привет", "Ещё вопрос", "после", "после"]


async def test_second_signal_does_not_wait(beseda: Program) -> None:
    async with deploy(beseda) as world:
        world.model.script(fall_silent())
        async with world.program.serve("run", "--no-sandbox") as service:
            await world.anna.say("Привет")
            await world.model.wait_for_request(timeout=20)
            service.process.send_signal(signal.SIGINT)
            await eventually(lambda: _says(service.log, "stopping"))
            assert await service.stop(signal.SIGINT, within=5) == 130
    assert "Traceback" not in service.log.read_text()


async def _says(log: Path, words: str) -> bool:
    return words in await asyncio.to_thread(log.read_text)


async def test_end_before_telegram_has_answered(beseda: Program) -> None:
    program = beseda.with_environ(BOT_TOKEN=TOKEN, TELEGRAM_API_URL="http://127.0.0.1:1")
    process = await program.spawn("run", "--no-sandbox", "--port", "0")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await process.stderr.readuntil(b"Telegram cannot be reached")
    process.send_signal(signal.SIGTERM)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert b"Traceback" not in err


async def test_wrong_token_is_no_start_and_leaves_the_others_serving(beseda: Program) -> None:
    async with deploy(beseda) as world:
        await world.program("bots", "new", "sales", "--replace")
        wrong = world.program.with_environ(BOT_TOKEN="7100000002:wrong-wrong-wrong-wrong")
        failed = await wrong("run", "--port", "0")
        assert (failed.code, failed.out) == (2, "")
        assert "ASSISTANT_BOT_TOKEN" in failed.complaint
        both = wrong.with_environ(SALES_BOT_TOKEN=TOKEN)
        async with both.serve("run") as service:
            await world.anna.say("/start")
            assert "Напишите мне что-нибудь" in (await world.anna.wait_reply())["text"]
            assert await service.stop() == 0
        assert re.search(r"ERROR .*'assistant'.*@BotFather", service.log.read_text())
        assert "wrong-wrong" not in service.log.read_text() + failed.err


async def test_bot_that_telegram_keeps_waiting_holds_up_no_other(beseda: Program) -> None:
    late = "7100000002:sandbox-token-of-the-late-one"
    async with deploy(beseda, "--token", f"assistant={TOKEN}", "--token", f"late={late}") as world:
        await world.program("bots", "new", "late")
        flood = {"kind": "error", "method": "getMe", "bot": "late_bot", "retry_after": 600}
        await world.anna.call("POST", "/faults", json=flood)
        process = await world.program.with_environ(LATE_BOT_TOKEN=late).spawn("run", "--port", "0")
        await world.anna.say("/start")
        assert "Здравствуйте" in (await world.anna.wait_reply(20))["text"]
        process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, bool(re.search(rb"late.*trying again in 600", err))) == (0, True)


@pytest.mark.parametrize("command", ["worker", "sandbox"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_other_services_end_as_properly(command: str, how: signal.Signals, beseda: Program) -> None:
    process = await beseda.with_environ(BESEDA_PORT="0").spawn(command)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 60)
    process.send_signal(how)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert b"Traceback" not in err
