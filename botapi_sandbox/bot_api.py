"""HTTP endpoints of bots: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import FileResponse, Response

from botapi_sandbox.guard import find_bot_side_objection
from botapi_sandbox.method_calls import run_method
from botapi_sandbox.methods.table import find_method
from botapi_sandbox.params import Params, read_params
from botapi_sandbox.refusals import ApiRefusalError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from botapi_sandbox.chats import Bot
    from botapi_sandbox.faults import Fault
    from botapi_sandbox.methods.table import Method
    from botapi_sandbox.services import SandboxServices

_MAX_TOKEN = 80
_HTML = "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr>proxy</body></html>"


class DroppedConnection(Response):
    """Closes the connection without an answer, as a dying server or network would."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the transport if the server gives access to it, else break off in the middle of a body."""
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            raise ConnectionAbortedError("dropped on request")
        transport.abort()
        await _wait_for_disconnect(receive)


class BotApiServer:
    """Answers bots as api.telegram.org does."""

    def __init__(self, services: SandboxServices) -> None:
        self._services = services
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let calls that hang on request end."""
        self._closing.set()

    async def call_method(self, request: Request) -> Response:
        """One method call."""
        objection = find_bot_side_objection(request)
        if objection is not None:
            return _answer({"ok": False, "error_code": 403, "description": objection})
        bot = self._services.state.bots.get(request.path_params["token"])
        if bot is None:
            return _refuse_token(request.path_params["token"])
        method = find_method(request.path_params.get("method", ""))
        fault = self._services.faults.take(bot.username, method.name.lower())
        if fault is not None:
            return await self._meet_fault(request, bot, method, fault)
        return _answer(await self._run(request, bot, method))

    async def refuse_path(self, request: Request) -> Response:
        """A path that names no method."""
        objection = find_bot_side_objection(request)
        if objection is not None:
            return _answer({"ok": False, "error_code": 403, "description": objection})
        return _answer({"ok": False, "error_code": 404, "description": "Not Found"})

    async def _meet_fault(self, request: Request, bot: Bot, method: Method, fault: Fault) -> Response:
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "hang":
                return await self._hang(request, bot, method)
            case "repeat_update":
                bot.queue.repeat_last_batch()
            case "drop_after":
                await self._run(request, bot, method)
                return DroppedConnection()
            case "drop_before":
                await self._note(request, bot, method, (fault.status, "fault: drop_before"))
                return DroppedConnection()
            case "html":
                await self._note(request, bot, method, (fault.status, "fault: html"))
                return Response(_HTML.format(status=fault.status), fault.status, media_type="text/html")
            case "error":
                await self._note(request, bot, method, (fault.status, "fault: error"))
                return _answer(fault.to_answer())
        return _answer(await self._run(request, bot, method))

    async def _hang(self, request: Request, bot: Bot, method: Method) -> Response:
        await self._note(request, bot, method, (0, "fault: hang"))
        closing = asyncio.ensure_future(self._closing.wait())
        leaving = asyncio.ensure_future(_wait_for_disconnect(request.receive))
        try:
            await asyncio.wait({closing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            leaving.cancel()
        return DroppedConnection()

    async def _note(self, request: Request, bot: Bot, method: Method, outcome: tuple[int, str | None]) -> None:
        try:
            params = await read_params(request)
        except ApiRefusalError:
            params = Params({})
        self._services.calls.record(bot.username, method.name, params.describe(), outcome)
        await params.close()

    async def _run(self, request: Request, bot: Bot, method: Method) -> dict[str, Any]:
        return await run_method(self._services, bot, method, read_params(request))

    async def download(self, request: Request) -> Response:
        """A file by its `file_path`."""
        objection = find_bot_side_objection(request)
        if objection is not None:
            return _answer({"ok": False, "error_code": 403, "description": objection})
        if request.path_params["token"] not in self._services.state.bots:
            return _refuse_token(request.path_params["token"])
        try:
            stored = self._services.files.find_remote(request.path_params["path"])
        except ApiRefusalError as refusal:
            return _answer(refusal.to_answer())
        return FileResponse(stored.path, media_type="application/octet-stream")


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refuse_token(token: str) -> Response:
    """Return the error text of Telegram's own server for an unknown token (ClientManager.cpp, `send`)."""
    number, colon, _ = token.partition(":")
    is_valid = bool(colon) and len(token) <= _MAX_TOKEN and number.isdecimal() and not number.startswith("0")
    words = "Unauthorized" if is_valid else "Unauthorized: invalid token specified"
    return _answer({"ok": False, "error_code": 401, "description": words})


def _answer(answer: dict[str, Any]) -> Response:
    retry_after = answer.get("parameters", {}).get("retry_after")
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return Response(orjson.dumps(answer), answer.get("error_code", 200), headers, media_type="application/json")
