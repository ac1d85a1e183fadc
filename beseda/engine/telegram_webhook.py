"""Webhooks: an update is stored, then answered with 200.

Facts: https://core.telegram.org/bots/api#setwebhook (the secret comes in X-Telegram-Bot-Api-Secret-Token). Whatever is
not 200 makes Telegram come again.
"""

import hmac
from collections.abc import Mapping

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.requests import ClientDisconnect

from beseda.core.errors import StorageError
from beseda.core.foreign_json import load_json
from beseda.engine.incoming import Json
from beseda.engine.runner import BotRunner

_LIMIT = 1024 * 1024  # bytes of one update: Telegram's largest are far below
_HIGHEST_ID = 2**63 - 1


def webhook_router(runners: Mapping[str, BotRunner], secret: str) -> APIRouter:
    """Return the route `/telegram/{bot}`; `runners` are found by the bot's name."""
    router = APIRouter()

    @router.post("/telegram/{bot}", include_in_schema=False)
    async def receive(bot: str, request: Request) -> Response:
        # Who does not know the secret learns nothing, not even which bots there are.
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            raise HTTPException(401)
        runner = runners.get(bot)
        if runner is None:
            raise HTTPException(404)
        update = _parse(await _read(request))
        try:
            await runner.take_in([update])
        except StorageError as error:
            raise HTTPException(503) from error
        return Response()

    return router


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LIMIT:
                raise HTTPException(413)
    except ClientDisconnect as error:
        raise HTTPException(400) from error  # nobody is left to read it
    return bytes(body)


def _parse(body: bytes) -> Json:
    try:
        update = load_json(body)
    except ValueError as error:
        raise HTTPException(400) from error
    number = update.get("update_id") if isinstance(update, dict) else None
    if type(number) is not int or not 0 <= number <= _HIGHEST_ID:
        raise HTTPException(400)
    return dict(update)
