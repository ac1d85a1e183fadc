import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from beseda.sandbox.user import SandboxUser
from tests.parts.sandboxes import ANNA, BotClient

Statuses = Callable[[], int]


class Receiver:
    """A webhook that answers with the given statuses, 200 when they run out."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: asyncio.Queue[web.Request] = asyncio.Queue()
        self.bodies: list[dict[str, object]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.requests.put_nowait(request)
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app)
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
        requests = [await asyncio.wait_for(receiver.requests.get(), 5) for _ in range(2)]
        await bot.get("deleteWebhook")
    assert {request.headers["X-Telegram-Bot-Api-Secret-Token"] for request in requests} == {"s-3_x"}
    assert [body["message"]["text"] for body in receiver.bodies] == ["раньше", "позже"]  # type: ignore[index]  # JSON
    assert await bot.get("getUpdates") == []


async def test_webhook_is_tried_again_until_it_says_yes(bot: BotClient, anna: SandboxUser) -> None:
    receiver = Receiver(500, 302, 404)
    async with receiver.listen() as url:
        await bot.get("setWebhook", url=url)
        await anna.say("привет")
        for _ in range(4):
            await asyncio.wait_for(receiver.requests.get(), 5)
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
