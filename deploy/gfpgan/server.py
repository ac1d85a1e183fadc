"""A GFPGAN server: `POST /gfpgan-enhance` with a photo, the restored one comes back.

Photos are restored one after another: a face takes seconds of every core. The server knows no secrets and asks nobody
who they are, so it belongs on a loopback address or a private network.
"""

import asyncio
import io
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from aiohttp import BodyPartReader, web
from PIL import Image, ImageOps

MAX_UPLOAD = 50_000_000  # bytes
MAX_SIDE = 3_500  # pixels: beyond it memory runs out
MAX_PIXELS = 25_000_000  # of the result
MAX_WAITING = 8  # photos in line; whoever comes later is told to come back
RETRY_AFTER = 30  # seconds
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
_KINDS = {"jpg": ("JPEG", "image/jpeg"), "png": ("PNG", "image/png")}

log = logging.getLogger("gfpgan")


class Restorer(Protocol):
    """What restores faces. It is called from one thread, one photo at a time."""

    def restore(self, photo: Image.Image, upscale: int, *, only_center_face: bool) -> tuple[Image.Image, int]:
        """Return the photo `upscale` times larger with its faces restored, and how many they were."""
        ...


@dataclass(frozen=True)
class Wish:
    """What the query asks for."""

    upscale: int
    only_center_face: bool
    ext: str
    auto: bool

    @classmethod
    def read(cls, query: "dict[str, str]") -> "Wish":
        """Return the query's wish, defaults filled in. Raises ValueError with what is wrong in it."""
        upscale, ext = query.get("upscale", "2"), query.get("ext", "jpg").lower()
        if upscale not in {"1", "2", "3", "4"}:
            raise ValueError("upscale is 1, 2, 3 or 4")
        if ext not in _KINDS:
            raise ValueError("ext is jpg or png")
        return cls(int(upscale), _read_switch(query, "only_center_face"), ext, _read_switch(query, "auto"))

    def settle(self, photo: Image.Image) -> "Wish":
        """Return what will be done to this photo: with `auto` its size decides, and every face is restored."""
        if not self.auto:
            return self
        shortest = min(photo.size)
        scale = 4 if shortest < 256 else 2 if shortest < 512 else 1
        return replace(self, upscale=scale, only_center_face=False, auto=False)


def create_app(restorer: Restorer) -> web.Application:
    """Return the web application around a restorer."""
    app = web.Application(client_max_size=MAX_UPLOAD + 100_000)
    desk = Desk(restorer)
    app.router.add_get("/health", desk.tell_health)
    app.router.add_post("/gfpgan-enhance", desk.enhance)
    app.on_cleanup.append(desk.close)
    return app


class Desk:
    """Takes photos in, keeps the line, hands results out."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._thread = ThreadPoolExecutor(1)
        self._turn = asyncio.Lock()
        self._present = 0

    async def tell_health(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"status": "ok", "waiting": self._present})

    async def enhance(self, request: web.Request) -> web.Response:
        """Answer with the image, or with a line of text that says what is wrong."""
        if self._present > MAX_WAITING:
            return _refuse(503, "too many photos are waiting", {"Retry-After": str(RETRY_AFTER)})
        self._present += 1
        try:
            wish = Wish.read(dict(request.query))
            upload = await _read_upload(request)
            async with self._turn:
                loop = asyncio.get_running_loop()
                body, faces = await loop.run_in_executor(self._thread, self._restore, upload, wish)
        except Refusal as refusal:
            return _refuse(refusal.status, str(refusal))
        except ValueError as error:
            return _refuse(400, str(error))
        except Exception:
            log.exception("a photo could not be restored")
            return _refuse(500, "the photo could not be restored; the server's log says why")
        finally:
            self._present -= 1
        return web.Response(body=body, content_type=_KINDS[wish.ext][1], headers={"X-Faces": str(faces)})

    async def close(self, app: web.Application) -> None:
        del app
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _restore(self, upload: bytes, wish: Wish) -> "tuple[bytes, int]":
        photo = open_photo(upload)
        wish = wish.settle(photo)
        if photo.width * photo.height * wish.upscale**2 > MAX_PIXELS:
            raise Refusal(413, f"the result would have over {MAX_PIXELS // 1_000_000} million pixels")
        restored, faces = self._restorer.restore(photo, wish.upscale, only_center_face=wish.only_center_face)
        buffer = io.BytesIO()
        restored.save(buffer, _KINDS[wish.ext][0], **({"quality": 95} if wish.ext == "jpg" else {"compress_level": 3}))
        return buffer.getvalue(), faces


class Refusal(Exception):  # noqa: N818 - it is not an error of ours
    """A photo that is not taken."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def open_photo(upload: bytes) -> Image.Image:
    """Return an upload as an upright RGB picture; its size is looked at before it is decoded."""
    Image.MAX_IMAGE_PIXELS = None  # our own limits stand instead
    try:
        with Image.open(io.BytesIO(upload), formats=_FORMATS) as image:
            _refuse_long(max(image.size))
            return ImageOps.exif_transpose(image).convert("RGB")
    except Refusal:
        raise
    except Exception as error:
        raise Refusal(422, "the file is not a photo that can be opened") from error


def _refuse_long(side: int) -> None:
    if side > MAX_SIDE:
        raise Refusal(413, f"a side of {side} pixels; {MAX_SIDE} are the most")


async def _read_upload(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        raise Refusal(400, "send the photo as the field `file` of a multipart form")
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file":
            upload = bytearray()
            while chunk := await part.read_chunk(256 * 1024):
                upload += chunk
                if len(upload) > MAX_UPLOAD:
                    raise Refusal(413, f"the file has over {MAX_UPLOAD} bytes")
            return bytes(upload)
    raise Refusal(400, "the form has no field `file`")


def _read_switch(query: "dict[str, str]", name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in {"true", "1", "yes", "on", "false", "0", "no", "off"}:
        raise ValueError(f"{name} is true or false")
    return value in {"true", "1", "yes", "on"}


def _refuse(status: int, reason: str, headers: "dict[str, str] | None" = None) -> web.Response:
    return web.Response(status=status, text=reason + "\n", headers=headers)


def main() -> None:
    """Load GFPGAN and serve. A container's own loopback is nobody else's: what is published decides who may ask."""
    from restoring import GfpganRestorer  # noqa: PLC0415 - torch takes seconds to load

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    app = create_app(GfpganRestorer(os.environ.get("GFPGAN_VERSION", "1.4")))
    port = int(os.environ.get("PORT", "8010"))
    # Whoever hangs up leaves the line.
    web.run_app(app, host=os.environ.get("HOST", "127.0.0.1"), port=port, handler_cancellation=True, print=None)


if __name__ == "__main__":
    main()
