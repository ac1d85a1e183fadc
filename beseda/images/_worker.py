"""The process in which a stranger's photo is opened: an order on stdin, a report on stdout.

It has a limit on memory, gives way to the program's other work, and is ended from outside when its time is up.
"""

import os
import resource
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
from PIL import Image

from beseda.core.errors import BesedaError, PhotoTooLargeError
from beseda.images._decode import DecodedPhoto, open_picture
from beseda.images._pixels import improve
from beseda.images.base import MAX_PIXELS, choose_scale

_COMPARED: Final = (1000, 1000)  # pixels of each half: together they fit what Telegram shows without shrinking
_GAP: Final = 16


def main() -> None:
    """Run the order from stdin and print its report. A refusal is a report, too."""
    order = orjson.loads(sys.stdin.buffer.read())
    os.nice(10)
    with suppress(ValueError, OSError):  # macOS knows the limit and takes none
        resource.setrlimit(resource.RLIMIT_AS, (order["memory"], order["memory"]))
    try:
        report = _TASKS[order["task"]](order)
    except BesedaError as error:
        report = {"error": type(error).__name__, "detail": error.detail}
    except MemoryError:
        report = {"error": "PhotoTooLargeError", "detail": "the photo does not fit into the memory that it may have"}
    except OSError as error:
        report = {"error": "ToolError", "detail": f"{type(error).__name__}: {error.strerror or error}"}
    sys.stdout.buffer.write(orjson.dumps(report))


def _enhance(order: dict[str, Any]) -> dict[str, object]:
    picture = open_picture(Path(order["source"]))
    scale = order["scale"] or _choose_scale(picture)
    _refuse_scale(picture, scale)
    return _save(improve(picture.image, scale, picture.jpeg_step), picture, order) | {"scale": scale}


def _choose_scale(picture: DecodedPhoto) -> int:
    """Return the default enlargement of `basic`: at least twice, unless the result would have too many pixels."""
    return next((times for times in (max(2, choose_scale(min(picture.image.size))), 2) if _fits(picture, times)), 1)


def _prepare(order: dict[str, Any]) -> dict[str, object]:
    """Write a photo as every back-end reads it: upright, RGB, within the sides that it can take."""
    picture = open_picture(Path(order["source"]))
    if (longest := max(picture.image.size)) > order["max_side"]:
        raise PhotoTooLargeError(f"a side of {longest} pixels; {order['max_side']} are the most for GFPGAN")
    scale = order["scale"] or choose_scale(min(picture.image.size))
    _refuse_scale(picture, scale)
    return _save(picture.image, picture, order) | {"scale": scale}


def _finish(order: dict[str, Any]) -> dict[str, object]:
    """Write the output of a back-end in the requested format, with the colour profile of its input."""
    picture = open_picture(Path(order["source"]))
    with Image.open(order["like"], formats=("PNG",)) as ours:
        picture = replace(picture, profile=ours.info.get("icc_profile"))
    return _save(picture.image, picture, order)


def _compare(order: dict[str, Any]) -> dict[str, object]:
    before, after = (open_picture(Path(order[name])) for name in ("before", "after"))
    right = after.image.copy()
    right.thumbnail(_COMPARED, Image.Resampling.LANCZOS)
    left = before.image.resize(right.size, Image.Resampling.BICUBIC)
    pair = Image.new("RGB", (right.width * 2 + _GAP, right.height), "white")
    pair.paste(left, (0, 0))
    pair.paste(right, (right.width + _GAP, 0))
    return _save(pair, after, order)


_TASKS: Final = {"enhance": _enhance, "prepare": _prepare, "finish": _finish, "compare": _compare}


def _fits(picture: DecodedPhoto, scale: int) -> bool:
    return picture.image.width * picture.image.height * scale * scale <= MAX_PIXELS


def _refuse_scale(picture: DecodedPhoto, scale: int) -> None:
    if not _fits(picture, scale):
        width, height = picture.image.size
        most = next((times for times in (3, 2) if _fits(picture, times)), 1)
        raise PhotoTooLargeError(
            f"{width}x{height} pixels enlarged {scale} times are over {MAX_PIXELS // 1_000_000} million: "
            f"{most} times is the most"
        )


def _save(image: Image.Image, picture: DecodedPhoto, order: dict[str, Any]) -> dict[str, object]:
    kind = str(order["format"])
    details: dict[str, Any] = {"icc_profile": picture.profile} if picture.profile else {}
    if kind == "JPEG":
        details |= {"quality": 92, "subsampling": 0}
    if kind == "WEBP":
        details |= {"quality": 92, "method": 2}
    if kind == "PNG":
        details |= {"compress_level": 3}
    with Path(order["target"]).open("wb") as file:
        image.save(file, kind, **details)
    return {"width": image.width, "height": image.height}


if __name__ == "__main__":
    main()
