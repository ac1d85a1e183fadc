import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from botapi_sandbox import SandboxUser
from tests.parts.media_samples import make_png
from tests.parts.proxy_server import serve_proxy
from tests.parts.sandboxes import ANNA, CHRIS, BotClient, as_user, open_sandbox
from tests.parts.waiting import eventually


class Receiver:
    """A webhook that gives the answers named, a status or a response each, and 200 when they run out."""

    def __init__(self, *answers: int | web.StreamResponse) -> None:
        self.answers = list(answers)
        self.requests: asyncio.Queue[web.Request] = asyncio.Queue()
        self.bodies: list[dict[str, Any]] = []

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.requests.put_nowait(request)
        answer = self.answers.pop(0) if self.answers else 200
        return web.Response(status=answer) if isinstance(answer, int) else answer

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        await runner.cleanup()


async def test_webhook_gets_updates_with_its_secret(bot: BotClient, anna: SandboxUser) -> None:
    receiver = Receiver()
    async with receiver.listen() as url:
        await anna.say("раньше")
        await bot.get("setWebhook", url=url, secret_token="s-3_x")
        await anna.say("позже")
        requests = [await asyncio.wait_for(receiver.requests.get(), 30) for _ in range(2)]
        await bot.get("deleteWebhook")
    assert {request.headers["X-Telegram-Bot-Api-Secret-Token"] for request in requests} == {"s-3_x"}
    assert [body["message"]["text"] for body in receiver.bodies] == ["раньше", "позже"]
    assert await bot.get("getUpdates") == []


async def test_webhook_is_tried_again_until_it_succeeds(bot: BotClient, anna: SandboxUser) -> None:
    receiver = Receiver(500, 302, 404)
    async with receiver.listen() as url:
        await bot.get("setWebhook", url=url)
        await anna.say("привет")
        for _ in range(4):
            await asyncio.wait_for(receiver.requests.get(), 30)
        info = await bot.get("getWebhookInfo")
        await bot.get("deleteWebhook")
    assert info["last_error_message"] == "Wrong response from the webhook: 404 Not Found"
    assert len({body["update_id"] for body in receiver.bodies}) == 1


async def test_webhook_that_is_down_leaves_updates_waiting(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("setWebhook", url="http://127.0.0.1:1/hook")
    await anna.say("привет")
    assert (await bot.get("getWebhookInfo"))["pending_update_count"] == 1
    await bot.get("deleteWebhook", drop_pending_updates=True)
    assert (await bot.get("getWebhookInfo")) == {
        "url": "", "has_custom_certificate": False, "pending_update_count": 0
    }  # fmt: skip
    assert (await bot.get("sendMessage", chat_id=ANNA, text="x"))["text"] == "x"


async def wait_for_error(bot: BotClient) -> str:
    async def has_failed() -> bool:
        return "last_error_message" in await bot.get("getWebhookInfo")

    await eventually(has_failed)
    return str((await bot.get("getWebhookInfo"))["last_error_message"])


@pytest.mark.parametrize(
    ("variable", "scheme"), [("http_proxy", ""), ("all_proxy", "http://"), ("all_proxy", "socks5://")]
)
async def test_webhook_on_another_machine_is_reached_through_the_proxy_only(
    bot: BotClient, anna: SandboxUser, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    async with serve_proxy() as proxy:
        proxy.refuse_with = "503 Service Unavailable"
        monkeypatch.setenv(variable, scheme + proxy.url.removeprefix("http://"))
        await bot.get("setWebhook", url="http://192.0.2.1/hook")
        await anna.say("привет")
        assert await wait_for_error(bot) == "Wrong response from the webhook: 503 Service Unavailable"
        await bot.get("deleteWebhook")
    assert set(proxy.requests) == {"POST http://192.0.2.1/hook HTTP/1.1"}


async def listen_and_say(bot: BotClient, anna: SandboxUser, receiver: Receiver) -> list[dict[str, Any]]:
    """Let the receiver answer one message; the calls that were logged after it."""
    async with receiver.listen() as url:
        await bot.get("setWebhook", url=url)
        await anna.say("привет")
        await asyncio.wait_for(receiver.requests.get(), 30)

        async def is_taken() -> bool:
            return bool((await bot.get("getWebhookInfo"))["pending_update_count"] == 0)

        await eventually(is_taken)
        await bot.get("deleteWebhook")
    calls = (await bot.user_side("GET", "/calls"))["calls"]
    return [call for call in calls if "ebhook" not in call["method"]]


async def test_method_in_the_answer_of_a_webhook_is_carried_out_and_logged(bot: BotClient, anna: SandboxUser) -> None:
    reply = web.json_response({"method": "SENDmessage", "chat_id": ANNA, "text": "<b>да</b>", "parse_mode": "HTML"})
    calls = await listen_and_say(bot, anna, Receiver(reply))
    assert (await anna.wait_reply())["text"] == "да"
    assert [(call["method"], call["status"]) for call in calls] == [("sendMessage", 200)]
    assert "method" not in calls[0]["params"]


async def test_answer_of_a_webhook_may_be_a_form_with_a_file(bot: BotClient, anna: SandboxUser) -> None:
    form = aiohttp.FormData({"method": "sendPhoto", "chat_id": str(ANNA), "caption": "вот"})
    form.add_field("photo", make_png(), filename="a.png")
    body = form()
    await listen_and_say(bot, anna, Receiver(web.Response(body=body, content_type=None, headers=body.headers)))
    assert (await anna.wait_reply())["caption"] == "вот"


async def test_refused_method_in_an_answer_is_logged_with_its_words(bot: BotClient, anna: SandboxUser) -> None:
    reply = web.json_response({"method": "sendMessage", "chat_id": ANNA})
    (call,) = await listen_and_say(bot, anna, Receiver(reply))
    assert (call["status"], call["error"]) == (400, "Bad Request: message text is empty")


@pytest.mark.parametrize("method", ["getMe", "setWebhook", "deleteWebhook", "logOut", "close", ""])
async def test_methods_that_telegram_leaves_out_of_answers_do_nothing(
    bot: BotClient, anna: SandboxUser, method: str
) -> None:
    assert await listen_and_say(bot, anna, Receiver(web.json_response({"method": method, "url": ""}))) == []


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="ok"),
        web.Response(body=b"\xff\x00", content_type="application/json"),
        web.Response(text="[1]", content_type="application/json"),
        web.Response(text='{"method": {"a": []}}', content_type="application/json"),
        web.Response(text="x", headers={"Content-Type": "multipart/form-data"}),
        web.Response(body=b"x" * (5 << 20), content_type="application/json"),
    ],
    ids=["text", "bytes", "array", "object", "no boundary", "too long"],
)
async def test_rubbish_with_status_200_takes_the_update(
    bot: BotClient, anna: SandboxUser, answer: web.Response
) -> None:
    assert [call for call in await listen_and_say(bot, anna, Receiver(answer)) if call["status"] == 200] == []
    assert await bot.get("getUpdates") == []


async def test_receiver_that_hangs_is_given_up_and_tried_again(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    hanging = asyncio.Event()

    class Hanging(Receiver):
        async def take(self, request: web.Request) -> web.StreamResponse:
            answer = await super().take(request)
            if len(self.bodies) == 1:
                await hanging.wait()
            return answer

    receiver = Hanging()
    async with open_sandbox(tmp_path, webhook_timeout_seconds=0.2) as running, as_user(running) as anna:
        bot = BotClient(running.base_url, session)
        async with receiver.listen() as url:
            await bot.get("setWebhook", url=url)
            await anna.say("привет")
            for _ in range(2):
                await asyncio.wait_for(receiver.requests.get(), 30)
            assert (await bot.get("getWebhookInfo"))["last_error_message"] == "Read timeout expired"
            hanging.set()
            await bot.get("deleteWebhook")


async def test_redirect_is_not_followed(bot: BotClient, anna: SandboxUser) -> None:
    elsewhere = Receiver()
    async with elsewhere.listen() as other_url:
        receiver = Receiver(web.Response(status=307, headers={"Location": other_url}))
        async with receiver.listen() as url:
            await bot.get("setWebhook", url=url)
            await anna.say("привет")
            for _ in range(2):
                await asyncio.wait_for(receiver.requests.get(), 30)
            await bot.get("deleteWebhook")
    assert elsewhere.bodies == []


async def test_retry_after_of_a_webhook_is_kept_to(bot: BotClient, anna: SandboxUser) -> None:
    receiver = Receiver(web.Response(status=429, headers={"Retry-After": "1"}))
    async with receiver.listen() as url:
        await bot.get("setWebhook", url=url)
        started = asyncio.get_running_loop().time()
        await anna.say("привет")
        for _ in range(2):
            await asyncio.wait_for(receiver.requests.get(), 30)
        assert asyncio.get_running_loop().time() - started >= 1
        await bot.get("deleteWebhook")


async def test_a_press_overtakes_the_message_that_is_being_handled(bot: BotClient, anna: SandboxUser) -> None:
    handled = asyncio.Event()

    class Slow(Receiver):
        async def take(self, request: web.Request) -> web.StreamResponse:
            answer = await super().take(request)
            if "message" in self.bodies[-1]:
                await handled.wait()
            return answer

    keyboard = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
    await bot.get("sendMessage", chat_id=ANNA, text="Так?", reply_markup=keyboard)
    receiver = Slow()
    async with receiver.listen() as url:
        await bot.get("setWebhook", url=url)
        await anna.say("привет")
        await anna.say("ещё")
        await anna.press("Да")
        for _ in range(2):
            await asyncio.wait_for(receiver.requests.get(), 30)
        assert [min(body) for body in receiver.bodies] == ["message", "callback_query"]
        handled.set()
        await asyncio.wait_for(receiver.requests.get(), 30)
        await bot.get("deleteWebhook")


async def test_chats_do_not_wait_for_each_other(bot: BotClient, anna: SandboxUser) -> None:
    handled = asyncio.Event()

    class Slow(Receiver):
        async def take(self, request: web.Request) -> web.StreamResponse:
            answer = await super().take(request)
            if self.bodies[-1]["message"]["chat"]["id"] == ANNA:
                await handled.wait()
            return answer

    receiver = Slow()
    async with receiver.listen() as url, SandboxUser(bot.base_url, CHRIS, f"first_bot:{CHRIS}") as chris:
        await bot.get("setWebhook", url=url)
        await anna.say("привет")
        await chris.say("hello")
        for _ in range(2):
            await asyncio.wait_for(receiver.requests.get(), 30)
        handled.set()
        await bot.get("deleteWebhook")


async def test_result_of_a_webhook_call_is_described(bot: BotClient) -> None:
    url = "http://127.0.0.1:1/hook"
    calls: list[tuple[str, dict[str, Any]]] = [
        ("setWebhook", {"url": url}),
        ("setWebhook", {"url": url}),
        ("deleteWebhook", {}),
        ("setWebhook", {"url": ""}),
    ]
    described = [(await bot.call(method, **params))["description"] for method, params in calls]
    assert described == [
        "Webhook was set",
        "Webhook is already set",
        "Webhook was deleted",
        "Webhook is already deleted",
    ]
