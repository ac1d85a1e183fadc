"""From a stranger's file to a picture in RGB, upright; its size is looked at before anything is decoded."""

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import (
    AvifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from beseda.core.errors import PhotoTooLargeError, UnreadablePhotoError, UnsupportedPhotoError
from beseda.images._pixels import measure_jpeg
from beseda.images.base import MAX_BYTES, MAX_PIXELS

# Readers that Pillow does not load by itself; the one for JPEG also reads phones' MPO.
_READERS: Final = (AvifImagePlugin, TiffImagePlugin, WebPImagePlugin)
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_MOVING: Final = {"PNG", "WEBP", "GIF", "AVIF"}  # an MPO's further pictures are a phone's depth map, a TIFF's are pages
# https://www.iana.org/assignments/media-types/image/heic: the brands of HEIF in a file's first box.
_HEIF_BRANDS: Final = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# What Pillow's readers raise over damaged files; MemoryError is another matter.
_DAMAGE: Final = (OSError, SyntaxError, ValueError, TypeError, AttributeError, RuntimeError, LookupError)
_DAMAGE_IN_NUMBERS: Final = (ArithmeticError, EOFError, struct.error)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A decoded photo, its JPEG quantisation step and its colour profile."""

    image: Image.Image
    jpeg_step: float
    profile: bytes | None


def open_picture(path: Path) -> DecodedPhoto:
    """Return the photo in `path`, turned upright. Only the content counts, never the name.

    Raises `UnreadablePhotoError`, `PhotoTooLargeError`, `UnsupportedPhotoError`, and OSError if `path` is not there.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise PhotoTooLargeError(f"the file has {size} bytes; {MAX_BYTES} are the most")
    Image.MAX_IMAGE_PIXELS = None  # our own limit, below, stands instead
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            _refuse(image)
            image.load()
            step = measure_jpeg(getattr(image, "quantization", None))
            upright = ImageOps.exif_transpose(image)
            profile = image.info.get("icc_profile")
            return _to_rgb(upright, step, profile if isinstance(profile, bytes) else None)
    except UnidentifiedImageError as error:
        raise _name_stranger(path) from error
    except (*_DAMAGE, *_DAMAGE_IN_NUMBERS) as error:
        raise UnreadablePhotoError(f"{type(error).__name__}: {error}") from error


def _refuse(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise PhotoTooLargeError(f"{image.width}x{image.height} pixels; {MAX_PIXELS // 1_000_000} million are the most")
    if image.format in _MOVING and getattr(image, "is_animated", False):
        raise UnsupportedPhotoError("the picture moves: save one frame of it as JPEG or PNG")


def _name_stranger(path: Path) -> UnreadablePhotoError | UnsupportedPhotoError:
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        return UnreadablePhotoError("the file is empty")
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return UnsupportedPhotoError("HEIC photos are not opened: save it as JPEG or PNG")
    return UnreadablePhotoError("the file is none of JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF")


def _to_rgb(image: Image.Image, step: float, profile: bytes | None) -> DecodedPhoto:
    if image.mode == "CMYK":
        return DecodedPhoto(_print_to_screen(image, profile), step, None)
    if image.mode.startswith("I") or image.mode == "F":
        return DecodedPhoto(_to_eight_bits(image).convert("RGB"), step, None)
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(opaque)
    keeps_profile = image.mode in {"RGB", "RGBA"}
    return DecodedPhoto(image.convert("RGB"), step, profile if keeps_profile else None)


def _print_to_screen(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return CMYK as sRGB, by its own profile if it has a valid one."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            screen = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, screen, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Return sixteen bits a pixel as eight; of other ranges, the darkest as black and the brightest as white."""
    low, high = image.getextrema()
    if (
        isinstance(low, tuple) or isinstance(high, tuple) or not low <= high
    ):  # what is not a number is not below another
        raise UnreadablePhotoError("the pixels have no values")
    if image.mode.startswith("I") and low >= 0 and high <= 0xFFFF:
        return image.convert("I").point([value >> 8 for value in range(0x10000)], "L")
    gain = 255 / ((high - low) or 1.0)
    return image.convert("F").point(lambda value: value * gain - low * gain).convert("L")
