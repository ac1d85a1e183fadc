"""The strip on the sandbox page: a key put in there connects a model without a restart, and is shown nowhere again."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from botapi_sandbox import SandboxUser
from tests.acceptance.program import Program, Service
from tests.acceptance.test_run import ANNA
from tests.parts.model_server import ModelServer, refuse

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
EARLIER = "# mine\nADMIN_IDS=\nOPENROUTER_API_KEY=\nBESEDA_TIME_ZONE=Europe/Moscow\n"


class Panel:
    """The strip as its page uses it."""

    def __init__(self, web: aiohttp.ClientSession, service: Service) -> None:
        self._web = web
        self.url = service.url

    async def state(self, **headers: str) -> dict[str, Any]:
        async with self._web.get(f"{self.url}/sandbox-panel/state", headers=headers) as answer:
            return {**await answer.json(), "status": answer.status}

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> dict[str, Any]:
        own = {"Origin": self.url, **headers}
        async with self._web.post(f"{self.url}/sandbox-panel/{path}", json=fields, headers=own) as answer:
            return {**await answer.json(), "status": answer.status}

    async def connect(self, key: str, endpoint: str = "openrouter") -> dict[str, Any]:
        token = (await self.state())["token"]
        return await self.post("connect", {"endpoint": endpoint, "key": key, "token": token})


@asynccontextmanager
async def serve(beseda: Program, **environ: str) -> AsyncIterator[tuple[Panel, Service]]:
    async with (
        beseda.with_environ(BESEDA_MODEL="", BESEDA_BOTS="assistant", **environ).serve("run") as service,
        aiohttp.ClientSession() as web,
    ):
        yield Panel(web, service), service


async def test_a_key_put_into_the_strip_answers_the_next_question_without_a_restart(
    beseda: Program, tmp_path: Path
) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(EARLIER)
    async with ModelServer() as model, serve(beseda, OPENROUTER_BASE_URL=model.base_url) as (panel, service):
        async with SandboxUser(service.url, ANNA, f"assistant_bot:{ANNA}") as anna:
            await anna.say("Какая столица Франции?")
            assert "демо" in (await anna.wait_reply(20))["text"]
            model.script(refuse(401))
            refused = await panel.connect(KEY + "-wrong")
            assert (refused["status"], refused["demo"]) == (422, True)
            assert refused["problem"]["ru"].startswith("Сервис не принял ключ")
            assert dotenv.read_text() == EARLIER
            connected = await panel.connect(f"  {KEY}\n")
            assert (connected["status"], connected["demo"]) == (200, False), connected
            await anna.say("Какая столица Франции?")
            assert "fine" in (await anna.wait_reply(20))["text"]
        assert model.requests[-1].headers["Authorization"] == f"Bearer {KEY}"
        assert await service.stop() == 0
    kept = EARLIER.replace("OPENROUTER_API_KEY=\n", "")
    assert dotenv.read_text() == f"{kept}OPENROUTER_API_KEY={KEY}\n"
    assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600
    assert KEY not in service.log.read_text()
    assert KEY not in str(connected)


async def test_a_key_is_taken_from_a_page_of_this_origin_with_an_unused_token_alone(
    beseda: Program, tmp_path: Path
) -> None:
    async with ModelServer() as model, serve(beseda, OPENROUTER_BASE_URL=model.base_url) as (panel, _):
        fields = {"endpoint": "openrouter", "key": KEY}
        token = (await panel.state())["token"]
        foreign = [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Host": "evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Content-Type": "text/plain"},
        ]
        for headers in foreign:
            answer = await panel.post("connect", {**fields, "token": token}, **headers)
            assert answer["status"] == 403, headers
        for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await panel.state(**headers))["status"] == 403, headers
        for wrong in ("", "invented"):
            assert (await panel.post("connect", {**fields, "token": wrong}))["status"] == 403
        token = (await panel.state())["token"]
        assert (await panel.post("connect", {**fields, "key": "x y", "token": token}))["status"] == 422
        assert (await panel.post("connect", {**fields, "token": token}))["status"] == 403, "a token serves once"
        assert (await panel.state())["demo"] is True
        assert model.requests == []
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize(
    ("endpoint", "key"), [("openrouter", "gsk_0123456789abcdef"), ("openrouter", "a'b\"c"), ("ollama", "x"), ("", "x")]
)
async def test_malformed_key_of_the_service_is_a_sentence(beseda: Program, endpoint: str, key: str) -> None:
    async with serve(beseda) as (panel, _):
        answer = await panel.connect(key, endpoint)
        assert (answer["status"], "does not look like a key" in answer["problem"]["en"]) == (422, True)


async def test_cards_have_three_questions_of_each_bot_in_both_languages(beseda: Program) -> None:
    del beseda.environ["BESEDA_MODEL"]
    async with beseda.serve("run") as service, aiohttp.ClientSession() as web:
        state = await Panel(web, service).state()
    assert len(state["bots"]) == 7
    for username, card in state["bots"].items():
        assert len(card["examples"]) == 3, username
        assert all(text["ru"] and text["en"] for text in [card["about"], *card["examples"]]), username


@pytest.mark.slow
async def test_one_press_starts_the_small_model_and_the_bots_talk_to_it(beseda: Program) -> None:
    async with serve(beseda) as (panel, service):
        try:
            token = (await panel.state())["token"]
            started = await panel.post("local", {"token": token})
            assert (started["status"], started["demo"]) == (200, False), started
            async with SandboxUser(service.url, ANNA, f"assistant_bot:{ANNA}") as anna:
                await anna.say("What is the capital of France?")
                assert "demo" not in (await anna.wait_reply(90))["text"]
        finally:
            await beseda("models", "stop")
