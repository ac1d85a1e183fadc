"""`gfpgan_http`: a GFPGAN server that stays up, like the one of deploy/gfpgan."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from beseda.core.errors import (
    BesedaError,
    PhotoTooLargeError,
    ProtocolError,
    RejectedRequestError,
    RemoteError,
    TimedOutError,
    ToolError,
    UnavailableError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from beseda.http.session import open_session
from beseda.images._workbench import open_workbench
from beseda.images.base import Enhanced, EnhanceOptions, PhotoHealth
from beseda.images.process_pool import ImageProcessPool, PoolResult
from beseda.locales import Text

_ROUTE: Final = "/gfpgan-enhance"
_MAX_ANSWER: Final = 100_000_000  # bytes: 25 million pixels as PNG are three quarters of it
_MAX_TEXT: Final = 2_000
_DOWN: Final = Text("errors.photo.down")
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
        self._settings = settings
        # The document gives the whole route as the address.
        self._url = settings.url.rstrip("/").removesuffix(_ROUTE)
        self._darkroom = darkroom
        self._session: aiohttp.ClientSession | None = None

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Restore the faces of `source`. The server's answer is checked like any untrusted picture."""
        try:
            return await self._restore(source, target, options)
        except RemoteError as error:
            error.words = _DOWN
            raise

    async def _restore(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        async with open_workbench(self._settings.work_dir) as folder:
            photo = await self._darkroom.prepare(source, folder / "photo.png", options.scale)
            result = folder / "result.png"
            faces = await self._send(folder / "photo.png", result, _ask_for(photo, options))
            made = await self._collect(result, target, folder / "photo.png")
        return Enhanced(made.width, made.height, self.name, photo.scale, faces)

    async def check(self) -> PhotoHealth:
        """Ask the server whether it is up, without a photo."""
        try:
            async with self._exchange("GET", "/health", timeout=self._settings.connect_timeout) as response:
                # A server of another make may lack this route; that it answers is what we wanted to know.
                if response.status in {200, 404}:
                    return PhotoHealth(ok=True, detail=f"{self._url} answers")
                return PhotoHealth(ok=False, detail=str(await _explain(response)))
        except BesedaError as error:
            return PhotoHealth(ok=False, detail=f"{self._url}: {error}")

    async def close(self) -> None:
        """Give back connections; a later photo opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, photo: Path, result: Path, query: dict[str, str]) -> int | None:
        with photo.open("rb") as file:
            form = aiohttp.FormData()
            form.add_field("file", file, filename="photo.png", content_type="image/png")
            async with self._exchange("POST", _ROUTE, form=form, query=query) as response:
                if response.status != 200:
                    raise await _explain(response)
                await _save(response, result)
                faces = response.headers.get("X-Faces", "")
                return int(faces) if faces.isascii() and faces.isdigit() and len(faces) < 6 else None

    async def _collect(self, result: Path, target: Path, like: Path) -> PoolResult:
        try:
            return await self._darkroom.finish(result, target, like=like)
        except (UnreadablePhotoError, PhotoTooLargeError, UnsupportedPhotoError) as error:
            raise ProtocolError(f"{self._url} answered with no picture: {error}") from error

    @asynccontextmanager
    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        form: aiohttp.FormData | None = None,
        query: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        seconds = timeout or self._settings.timeout
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=self._settings.connect_timeout)
        try:
            async with self._open_session().request(
                method, self._url + path, data=form, params=query, timeout=limits, allow_redirects=False
            ) as response:
                yield response
        except TimeoutError as error:
            raise TimedOutError(f"no answer within {seconds:g} s") from error
        except aiohttp.InvalidURL as error:
            raise ProtocolError(f"{self._url} is not an address") from error
        except aiohttp.ClientError as error:
            raise UnavailableError(f"{type(error).__name__}: {error}") from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session()
        return self._session


def _ask_for(photo: PoolResult, options: EnhanceOptions) -> dict[str, str]:
    query = {"upscale": str(photo.scale), "only_center_face": str(options.only_center_face).lower(), "ext": "png"}
    # The scale of `auto` is known by now, and faces are counted where they are restored: nothing is left to decide.
    return query | {"auto": "false"}


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


async def _explain(response: aiohttp.ClientResponse) -> BesedaError:
    said = (await response.content.read(_MAX_TEXT)).decode(errors="replace").strip()
    message, status = f"HTTP {response.status}: {' '.join(said.split())[:300]}", response.status
    if status in _REFUSALS:
        return _REFUSALS[status](message)
    if status >= 500 or status == 429:
        given = response.headers.get("Retry-After", "")
        wait = float(given) if given.isascii() and given.isdigit() else None
        return UnavailableError(message, status=status, retry_after=wait)
    # A redirect, a wrong path or method: there is no such route.
    kind = ProtocolError if status < 400 or status in {404, 405} else RejectedRequestError
    return kind(message, status=status)
