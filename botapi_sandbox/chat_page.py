from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response
from starlette.routing import Route

from botapi_sandbox.media_facts import guess_type
from botapi_sandbox.user_api import guarded

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.routing import BaseRoute


class ChatPage:
    """The chat page's own files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def make_routes(self) -> list[BaseRoute]:
        """The page and its static files."""
        return [
            Route("/sandbox", guarded(self.show_index), methods=["GET"]),
            Route("/sandbox/", guarded(self.show_index), methods=["GET"]),
            Route("/sandbox/static/{path:path}", guarded(self.show_file), methods=["GET"]),
        ]

    async def show_index(self, request: Request) -> Response:
        """The page itself."""
        return self._serve("index.html")

    async def show_file(self, request: Request) -> Response:
        """A file beside the page."""
        return self._serve(request.path_params["path"])

    def _serve(self, name: str) -> Response:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return Response("There is no such file", 404, media_type="text/plain")
        return FileResponse(path, media_type=guess_type(path.name))
