"""`gfpgan_http`: a GFPGAN server that stays up, like the one of deploy/gfpgan."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from beseda.core.errors import (
    BesedaError,
    PhotoTooLargeError,
    ProtocolError,
    RejectedRequestError,
    RemoteError,
    SettingsError,
    ToolError,
    UnavailableError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from beseda.core.failover import BackendHealth
from beseda.http.client import HttpAnswer, HttpClient, HttpRequest
from beseda.images._workbench import open_workbench
from beseda.images.base import Enhanced, EnhanceOptions
from beseda.images.process_pool import ImageProcessPool, PoolResult

_ROUTE: Final = "/gfpgan-enhance"
_MAX_ANSWER: Final = 100_000_000  # bytes: 25 million pixels as PNG are three quarters of it
_MAX_TEXT: Final = 2_000
_CHUNK: Final = 256 * 1024
_REFUSALS: Final[dict[int, type[BesedaError]]] = {
    413: PhotoTooLargeError,
    415: UnreadablePhotoError,
    422: UnreadablePhotoError,
}


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The address of the server, and time-outs in seconds: it takes photos one after another."""

    url: str
    timeout: float = 180.0
    connect_timeout: float = 10.0
    work_dir: Path | None = None


class GfpganHttp:
    """An `Enhancer` over `POST {url}/gfpgan-enhance`."""

    name = "gfpgan_http"

    def __init__(self, settings: HttpSettings, darkroom: ImageProcessPool) -> None:
        """Raises SettingsError if the address is none."""
        self._settings = settings
        # The document gives the whole route as the address.
        self._url = settings.url.rstrip("/").removesuffix(_ROUTE)
        try:
            usable = URL(self._url).scheme in {"http", "https"}
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError("GFPGAN_URL is not an http address")
        self._darkroom = darkroom
        self._http = HttpClient()

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Restore the faces of `source`. The server's answer is checked like any untrusted picture."""
        try:
            return await self._restore(source, target, options)
        except RemoteError as error:
            error.text_name = "photo.down"
            raise

    async def _restore(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        async with open_workbench(self._settings.work_dir) as folder:
            photo = await self._darkroom.prepare(source, folder / "photo.png", options.scale)
            result = folder / "result.png"
            # The scale of `auto` is known by now, and faces are counted where they are restored: nothing is left to
            # decide.
            query = {"upscale": str(photo.scale), "ext": "png", "auto": "false"}
            query["only_center_face"] = str(options.only_center_face).lower()
            faces = await self._send(folder / "photo.png", result, query)
            made = await self._collect(result, target, folder / "photo.png")
        return Enhanced(made.width, made.height, self.name, photo.scale, faces)

    async def check(self) -> BackendHealth:
        """Ask the server whether it is up, without a photo."""
        try:
            answer = await self._http.get(URL(f"{self._url}/health"), wait=self._settings.connect_timeout)
        except BesedaError as error:
            return BackendHealth(ok=False, detail=f"{self._url}: {error}")
        # A server of another make may lack this route; that it answers is what we wanted to know.
        if answer.status in {200, 404}:
            return BackendHealth(ok=True, detail=f"{self._url} answers")
        return BackendHealth(ok=False, detail=str(_explain(answer)))

    async def close(self) -> None:
        """Give back connections; a later photo opens new ones."""
        await self._http.close()

    async def _send(self, photo: Path, result: Path, query: dict[str, str]) -> int | None:
        with photo.open("rb") as file:
            form = aiohttp.FormData()
            form.add_field("file", file, filename="photo.png", content_type="image/png")
            url, settings = URL(self._url + _ROUTE).with_query(query), self._settings
            request = HttpRequest("POST", url, form, wait=settings.timeout, connect=settings.connect_timeout)
            async with self._http.exchange(request) as response:
                if response.status != 200:
                    # Of a long page, its beginning: it explains as much.
                    body = await response.content.read(_MAX_TEXT)
                    raise _explain(HttpAnswer(response.status, response.headers, body))
                await _save(response, result)
                faces = response.headers.get("X-Faces", "")
                return int(faces) if faces.isascii() and faces.isdigit() and len(faces) < 6 else None

    async def _collect(self, result: Path, target: Path, like: Path) -> PoolResult:
        try:
            return await self._darkroom.finish(result, target, like=like)
        except (UnreadablePhotoError, PhotoTooLargeError, UnsupportedPhotoError) as error:
            raise ProtocolError(f"{self._url} answered with no picture: {error}") from error


async def _save(response: aiohttp.ClientResponse, target: Path) -> None:
    written = 0
    try:
        with target.open("wb") as file:
            async for chunk in response.content.iter_chunked(_CHUNK):
                written += len(chunk)
                if written > _MAX_ANSWER:
                    raise ProtocolError(f"the answer is over {_MAX_ANSWER} bytes")
                await asyncio.to_thread(file.write, chunk)
    except (aiohttp.ClientError, TimeoutError):
        raise
    except OSError as error:
        raise ToolError(f"the answer cannot be kept: {error.strerror or error}") from error


def _explain(answer: HttpAnswer) -> BesedaError:
    said, status = answer.body.decode(errors="replace"), answer.status
    message = f"HTTP {status}: {' '.join(said.split())[:300]}"
    if status in _REFUSALS:
        return _REFUSALS[status](message)
    if status >= 500 or status == 429:
        given = answer.headers.get("Retry-After", "")
        wait = float(given) if given.isascii() and given.isdigit() else None
        return UnavailableError(message, status=status, retry_after=wait)
    # A redirect, a wrong path or method: there is no such route.
    kind = ProtocolError if status < 400 or status in {404, 405} else RejectedRequestError
    return kind(message, status=status)
