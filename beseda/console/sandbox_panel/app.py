"""The panel over HTTP: its two files, its state, and the two ways to a model."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from beseda.console.sandbox_panel.guard import OneTimeTokens, find_objection
from beseda.console.sandbox_panel.problems import explain_problem
from beseda.core.errors import BesedaError
from beseda.engine.bot import BotProfile
from beseda.http.endpoints import CHAT_ENDPOINTS
from beseda.llm.connector import ModelConnector
from beseda.locales import Text, languages

ADDRESS = "/sandbox-panel"
SCRIPT = f"{ADDRESS}/panel.js"
_STATIC = Path(__file__).parent / "static"
_FILES = {"panel.js": "text/javascript", "panel.css": "text/css"}
_STRIP = (
    *("demo", "open", "close", "service", "key", "page", "connect", "checking", "kept", "or_local", "start"),
    *("starting", "install", "connected", "lost", "region"),
)
_LARGEST_BODY = 8 * 1024  # bytes: a key is shorter
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class HostPanel:
    """Serves the panel; `bots` are described on the cards by their user names in the sandbox."""

    def __init__(self, connector: ModelConnector, bots: Sequence[tuple[str, BotProfile]]) -> None:
        self._connector = connector
        self._cards = {username: _describe(profile) for username, profile in bots}
        self._tokens = OneTimeTokens()

    def make_routes(self) -> list[BaseRoute]:
        """Return all routes, each behind the guard."""
        return [
            *(Route(f"{ADDRESS}/{name}", _guard(self._serve_file), methods=["GET"]) for name in _FILES),
            Route(f"{ADDRESS}/state", _guard(self._show_state), methods=["GET"]),
            Route(f"{ADDRESS}/connect", _guard(self._connect), methods=["POST"]),
            Route(f"{ADDRESS}/local", _guard(self._start_local), methods=["POST"]),
        ]

    async def _serve_file(self, request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return FileResponse(_STATIC / name, media_type=_FILES[name])

    async def _show_state(self, request: Request) -> Response:
        endpoints = [
            {"name": row.name, "title": row.title, "variable": row.key_variable, "page": row.key_page}
            for row in CHAT_ENDPOINTS
            if row.needs_key and row.key_page
        ]
        local = {"installed": self._connector.has_local, "command": self._connector.local_command}
        shown = {"endpoints": endpoints, "local": local, "bots": self._cards, "texts": _list_texts()}
        return _answer({**self._status(), **shown})

    async def _connect(self, request: Request) -> Response:
        async def connect(fields: dict[str, str]) -> None:
            await self._connector.connect(fields.get("endpoint", ""), fields.get("key", ""))

        return await self._change(request, connect)

    async def _start_local(self, request: Request) -> Response:
        async def start(_: dict[str, str]) -> None:
            await self._connector.start_local()

        return await self._change(request, start)

    async def _change(self, request: Request, change: Callable[[dict[str, str]], Awaitable[None]]) -> Response:
        fields = await _read_fields(request)
        if fields is None or not self._tokens.take(fields.get("token", "")):
            return _answer({**self._status(), "problem": explain_problem(None)}, 403)
        try:
            await change(fields)
        except BesedaError as error:
            return _answer({**self._status(), "problem": explain_problem(error)}, 422)
        return _answer(self._status())

    def _status(self) -> dict[str, object]:
        return {
            "demo": self._connector.is_demo,
            "model": self._connector.model_name,
            "token": self._tokens.issue(),
        }


def _list_texts() -> dict[str, dict[str, str]]:
    return {language: {name: Text(f"panel.strip.{name}").say(language) for name in _STRIP} for language in languages()}


def _describe(profile: BotProfile) -> dict[str, object]:
    return {
        "about": profile.about.by_language(),
        "examples": [example.by_language() for example in profile.examples],
    }


def _guard(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        objection = find_objection(request)
        response = _answer({"detail": objection}, 403) if objection else await endpoint(request)
        response.headers.update(_HEADERS)
        return response

    return answer


async def _read_fields(request: Request) -> dict[str, str] | None:
    """Return the texts of a JSON object, or None for anything else; the size is bounded before it is read."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_BODY:
            return None
    try:
        fields: Any = orjson.loads(bytes(body))
    except orjson.JSONDecodeError:
        return None
    return {name: value for name, value in fields.items() if isinstance(value, str)} if type(fields) is dict else None


def _answer(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
