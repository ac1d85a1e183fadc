"""The sandbox as a server: its routes, and an HTTP server for them in an existing event loop."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from botapi_sandbox.archive import ChatArchive
from botapi_sandbox.bot_api import BotApiServer
from botapi_sandbox.guard import guarded
from botapi_sandbox.media_facts import guess_type
from botapi_sandbox.method_calls import WebhookReplies
from botapi_sandbox.services import SandboxServices
from botapi_sandbox.user_api import UserApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from botapi_sandbox.settings import SandboxSettings

_METHODS = ["GET", "POST"]
_HOST = "127.0.0.1"  # tokens of a sandbox are no secret
_GRACE = 2  # seconds that requests get when the server stops
_KEEP_ALIVE = 75  # seconds: a connection closed after uvicorn's 5 meets many a client just as it sends
_BACKLOG = 2048


class Sandbox:
    """A local Bot API server with its chat page. Serve its `routes` in an app of Starlette or FastAPI.

    Making one loads Telegram's parser (27 MB) into this process.
    """

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self._services = SandboxServices(settings)
        self._archive = ChatArchive(settings.folder, self._services.state, settings.max_chat_bytes)
        if settings.keeps_chats:
            self._archive.restore()
            self._services.events.listener = self._archive.add
        self._services.make_webhook_replies = lambda bot: WebhookReplies(self._services, bot).carry_out
        self._bot_api = BotApiServer(self._services)
        self._page = settings.page_folder.resolve()
        self.routes: list[BaseRoute] = [
            Route("/bot{token}/{method}", self._bot_api.call_method, methods=_METHODS),
            # The server of Telegram answers these itself, in JSON (HttpConnection.cpp).
            Route("/bot{token}/", self._bot_api.call_method, methods=_METHODS),
            Route("/bot{token}", self._bot_api.refuse_path, methods=_METHODS),
            Route("/file/bot{token}/{path:path}", self._bot_api.download, methods=["GET"]),
            *UserApi(self._services).make_routes("/sandbox/api"),
            *(Route(path, guarded(self.show_page), methods=["GET"]) for path in ("/sandbox", "/sandbox/")),
            Route("/sandbox/static/{path:path}", guarded(self.show_page), methods=["GET"]),
        ]

    async def show_page(self, request: Request) -> Response:
        """The chat page, or a file beside it."""
        path = (self._page / request.path_params.get("path", "index.html")).resolve()
        if not path.is_relative_to(self._page) or not path.is_file():
            return Response("There is no such file", 404, media_type="text/plain")
        return FileResponse(path, media_type=guess_type(path.name))

    async def close(self) -> None:
        """End long polls, event streams, hanging calls and webhook deliveries; call it before the server stops."""
        self._bot_api.close()
        await self._services.close()
        self._archive.close()


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that listens."""

    sandbox: Sandbox
    base_url: str


@asynccontextmanager
async def serve_sandbox(settings: SandboxSettings, *, port: int = 0) -> AsyncIterator[RunningSandbox]:
    """Serve a sandbox in this event loop; port 0 takes a free one. Raises OSError when the port is taken."""
    with _listen(port) as listener:
        sandbox = Sandbox(settings)
        config = uvicorn.Config(
            Starlette(routes=sandbox.routes),
            http="h11",  # it limits the memory for an unfinished head to 64 KB
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=_KEEP_ALIVE,
            date_header=False,
            server_header=False,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # The parts of `Server.serve`, which would take over the signals and look for its end every 100 ms.
        await server.startup(sockets=[listener])
        try:
            yield RunningSandbox(sandbox, f"http://{_HOST}:{listener.getsockname()[1]}")
        finally:
            await sandbox.close()
            await server.shutdown(sockets=[listener])


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; else every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
