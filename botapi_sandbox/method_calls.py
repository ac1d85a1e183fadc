"""Runs a method: parameters, answer, line in the call log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from botapi_sandbox.methods.table import find_method
from botapi_sandbox.params import Params
from botapi_sandbox.refusals import ApiRefusalError
from botapi_sandbox.services import Described, MethodCall

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from botapi_sandbox.chats import Bot
    from botapi_sandbox.methods.table import Method
    from botapi_sandbox.services import SandboxServices

logger = logging.getLogger(__name__)

_CLOSED = "Bad Request: the connection was closed in the middle of the request"
_FAILURE = "Internal Server Error"


async def run_method(services: SandboxServices, bot: Bot, method: Method, reading: Awaitable[Params]) -> dict[str, Any]:
    """Call a method with the parameters that `reading` returns, log the call and return the body of its answer."""
    params = Params({})
    try:
        params = await reading
        result = await method.handler(MethodCall(services, bot, params))
        answer: dict[str, Any] = {"ok": True}
        answer |= (
            {"result": result.value, "description": result.description}
            if isinstance(result, Described)
            else {"result": result}
        )
        outcome: tuple[int, str | None] = (200, None)
    except ApiRefusalError as refusal:
        answer, outcome = refusal.to_answer(), (refusal.code, refusal.description)
    except ClientDisconnect:  # nobody is there to be answered, and nothing was done
        answer, outcome = {"ok": False, "error_code": 400, "description": _CLOSED}, (400, _CLOSED)
    except Exception:
        logger.exception("The sandbox failed in %s", method.name)
        answer = {"ok": False, "error_code": 500, "description": _FAILURE}
        outcome = (500, _FAILURE)
    finally:
        await params.close()
    # An idle poll every few seconds would push everything else out of the ring.
    if method.name != "getUpdates" or not answer["ok"] or answer["result"]:
        services.calls.record(bot.username, method.name, params.describe(), outcome)
    return answer


class WebhookReplies:
    """Carries out the method that a webhook may name in its answer (#making-requests-when-getting-updates).

    Its result is not returned to the bot. Methods that Telegram's own server leaves out there (WebhookActor.cpp,
    `handle`): those that read, and those that change the webhook or leave the server.
    """

    _LEFT_OUT = frozenset({"deletewebhook", "setwebhook", "close", "logout"})

    def __init__(self, services: SandboxServices, bot: Bot) -> None:
        self._services = services
        self._bot = bot

    async def carry_out(self, params: Params) -> None:
        """Call the method that the parameters name, if they do."""
        name = params.text("method").lower()
        if not name or name in self._LEFT_OUT or name.startswith("get"):
            await params.close()
            return
        params.values.pop("method")

        async def read() -> Params:
            return params

        await run_method(self._services, self._bot, find_method(name), read())
