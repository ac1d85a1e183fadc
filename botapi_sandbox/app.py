from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from botapi_sandbox.archive import ChatArchive
from botapi_sandbox.bot_api import BotApiServer
from botapi_sandbox.chat_page import ChatPage
from botapi_sandbox.method_calls import WebhookReplies
from botapi_sandbox.servers import SandboxServers
from botapi_sandbox.user_api import UserApi

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from botapi_sandbox.settings import SandboxSettings

_METHODS = ["GET", "POST"]


class Sandbox:
    """A local Bot API server with its chat page. Serve its `routes` in an app of Starlette or FastAPI."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self._realm = SandboxServers(settings)
        self._archive = ChatArchive(settings.folder, self._realm.world, settings.max_chat_bytes)
        if settings.keeps_chats:
            self._archive.restore()
            self._realm.events.listener = self._archive.add
        self._realm.make_webhook_replies = lambda bot: WebhookReplies(self._realm, bot).carry_out
        self._bot_api = BotApiServer(self._realm)
        self.routes: list[BaseRoute] = [
            Route("/bot{token}/{method}", self._bot_api.call_method, methods=_METHODS),
            # The server of Telegram answers these itself, in JSON (HttpConnection.cpp).
            Route("/bot{token}/", self._bot_api.call_method, methods=_METHODS),
            Route("/bot{token}", self._bot_api.refuse_path, methods=_METHODS),
            Route("/file/bot{token}/{path:path}", self._bot_api.download, methods=["GET"]),
            *UserApi(self._realm).make_routes("/sandbox/api"),
            *ChatPage(settings.page_folder).make_routes(),
        ]

    async def close(self) -> None:
        """End long polls, event streams, hanging calls and webhook deliveries; call it before the server stops."""
        self._bot_api.close()
        await self._realm.close()
        self._archive.close()


def create_sandbox(settings: SandboxSettings) -> Sandbox:
    """Build a sandbox; loads Telegram's parser (27 MB) into this process."""
    return Sandbox(settings)
