"""Webhooks: an update is stored, then answered with 200.

Facts: https://core.telegram.org/bots/api#setwebhook (the secret comes in X-Telegram-Bot-Api-Secret-Token).
"""

import hmac
from collections.abc import Mapping

import orjson
from fastapi import APIRouter, Request, Response

from beseda.dispatch.runner import BotRunner
from beseda.errors import StorageError

_LIMIT = 1024 * 1024  # bytes of one update: Telegram's largest are far below


def webhook_router(runners: Mapping[str, BotRunner], secret: str) -> APIRouter:
    """Return the route `/telegram/{bot}`; `runners` are found by the bot's name."""
    router = APIRouter()

    @router.post("/telegram/{bot}", include_in_schema=False)
    async def receive(bot: str, request: Request) -> Response:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return Response(status_code=401)
        runner = runners.get(bot)
        if runner is None:
            return Response(status_code=404)
        body = await _read(request)
        if body is None:
            return Response(status_code=413)
        return await _take_in(runner, body)

    return router


async def _take_in(runner: BotRunner, body: bytes) -> Response:
    try:
        update = orjson.loads(body)
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            return Response(status_code=400)
        await runner.take_in([update])
    except orjson.JSONDecodeError:
        return Response(status_code=400)
    except StorageError:
        return Response(status_code=503)  # Telegram keeps the update and comes again
    return Response(status_code=200)


async def _read(request: Request) -> bytes | None:
    """Return the body, or None where it is larger than any update."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LIMIT:
            return None
    return bytes(body)
