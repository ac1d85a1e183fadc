"""What deploy/gfpgan ships, run here: its server and its script, around a restorer that only enlarges."""

import asyncio
import importlib.util
import threading
from dataclasses import dataclass, field
from types import ModuleType, TracebackType
from typing import Any, Self

from aiohttp import web
from PIL import Image

from scripts.source import ROOT


def load_shipped(name: str) -> ModuleType:
    """Return a module of deploy/gfpgan, which is no package: its files are copied into an image."""
    spec = importlib.util.spec_from_file_location(f"shipped_{name}", ROOT / "deploy/gfpgan" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(slots=True)
class StubRestorer:
    """Finds two faces in every photo and restores none; remembers what it was asked for."""

    asked: list[tuple[tuple[int, int], int, bool]] = field(default_factory=list)
    broken: bool = False
    gate: threading.Event | None = None

    def restore(self, photo: Image.Image, upscale: int, *, only_center_face: bool) -> tuple[Image.Image, int]:
        whole, faces = self.restore_faces(photo, upscale, only_center_face=only_center_face)
        return whole, len(faces)

    def restore_faces(
        self, photo: Image.Image, upscale: int, *, only_center_face: bool
    ) -> tuple[Image.Image, list[tuple[Image.Image, Image.Image]]]:
        self.asked.append((photo.size, upscale, only_center_face))
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.broken:
            raise RuntimeError("CUDA out of memory at /opt/secret")
        face = Image.new("RGB", (8, 8))
        whole = photo.resize((photo.width * upscale, photo.height * upscale))
        whole.info.clear()  # GFPGAN knows pixels only
        return whole, [(face, face)] * (1 if only_center_face else 2)


@dataclass(slots=True)
class GfpganServer:
    """The server of deploy/gfpgan on loopback: `async with GfpganServer() as server`."""

    restorer: StubRestorer = field(default_factory=StubRestorer)
    url: str = ""
    _runner: Any = None

    async def __aenter__(self) -> Self:
        app: web.Application = load_shipped("server").create_app(self.restorer)
        self.url, self._runner = await serve(app)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.restorer.gate is not None:
            self.restorer.gate.set()
        await self._runner.cleanup()


async def serve(app: web.Application) -> tuple[str, web.AppRunner]:
    """Serve an application on a free port of this machine; return its address and what ends it."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}", runner


async def serve_answer(answer: web.Response | None) -> tuple[str, web.AppRunner]:
    """Serve one answer to whatever is asked; None never answers."""

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        if answer is None:
            await asyncio.Event().wait()
        assert answer is not None
        return answer

    app = web.Application(client_max_size=60_000_000)
    app.router.add_route("*", "/{path:.*}", handle)
    return await serve(app)
