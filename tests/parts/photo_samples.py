"""Photos made of nothing but code: scenes with edges, gradients, letters and grain, and everything that can be wrong.

`python -m tests.parts.photo_samples` writes the files of tests/samples/photo anew.
"""

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SAMPLES = Path(__file__).parents[1] / "samples" / "photo"


def draw_scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Return a picture with what photos have: a sky, things with edges, hatching, letters, and texture all over."""
    chance = random.Random(seed)
    width, height = size[0] * 2, size[1] * 2
    image = Image.fromarray(_draw_sky(width, height))
    brush = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, extent = chance.randrange(width), chance.randrange(height), chance.randrange(20, 260)
        colour = (chance.randrange(20, 240), chance.randrange(20, 240), chance.randrange(20, 240))
        _draw_thing(brush, chance.choice(["disc", "box", "hatch", "kite"]), (x, y, extent), colour)
    for number in range(8):
        place = (chance.randrange(width // 2), chance.randrange(height))
        brush.text(place, "Photo 2026", fill=(250, 250, 245), font_size=28 + 6 * number)
    grain = np.clip(np.random.default_rng(seed).normal(128, 40, (height, width)), 0, 255).astype(np.uint8)
    soft = np.asarray(Image.fromarray(grain).filter(ImageFilter.GaussianBlur(3))).astype(float) - 128
    textured = np.clip(np.asarray(image).astype(float) + soft[..., None] * 1.2, 0, 255).astype(np.uint8)
    return Image.fromarray(textured).resize(size, Image.Resampling.LANCZOS)


def degrade(image: Image.Image, noise: float, quality: int) -> bytes:
    """Return a JPEG of half the size, with Gaussian noise of that deviation."""
    small = np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)).astype(float)
    noisy = small + np.random.default_rng(1).normal(0, noise, small.shape)
    return encode(Image.fromarray(np.clip(noisy.round(), 0, 255).astype(np.uint8)), "JPEG", quality=quality)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_bomb() -> bytes:
    """Return a PNG whose header promises 50,000 x 50,000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 150_001)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_wrap(kind, data) for kind, data in chunks)


def make_samples() -> dict[str, bytes]:
    """Return every file of tests/samples/photo by its name."""
    scene = draw_scene(1, (320, 240))
    small = scene.resize((96, 64))
    upright = Image.Exif()
    upright[0x0112] = 6  # turned by a quarter: EXIF's Orientation
    frames = [small.quantize(16), small.rotate(90).quantize(16)]
    glass = small.convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(small.size))
    deep = np.linspace(0, 65535, 96 * 64).astype(np.uint16).reshape(64, 96)
    photo = encode(scene, "JPEG", quality=60)
    return {
        "photo.jpg": photo,
        "noisy.jpg": degrade(draw_scene(2, (400, 300)), 10, 70),
        "dull.jpg": encode(small.point([100 + value // 5 for value in range(256)] * 3), "JPEG", quality=90),
        "turned.jpg": encode(small, "JPEG", exif=upright),
        "cmyk.jpg": encode(small.convert("CMYK"), "JPEG"),
        "gray.png": encode(small.convert("L"), "PNG"),
        "deep.png": encode(Image.fromarray(deep), "PNG"),
        "glass.png": encode(glass.quantize(32), "PNG"),
        "still.gif": encode(small.quantize(16), "GIF"),
        "moving.gif": encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100),
        "truncated.jpg": photo[: len(photo) // 2],
        "text.jpg": b"This is a letter, not a photo.\n",
        "empty.jpg": b"",
        "bomb.png": make_bomb(),
        "phone.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64,
    }


def _draw_sky(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    down = np.linspace(0, 1, height)
    rows = np.stack([60 + 120 * down, 110 + 80 * np.sin(down * 3), 220 - 140 * down], axis=1)
    return np.repeat(rows[:, None, :], width, axis=1).astype(np.uint8)


def _draw_thing(
    brush: ImageDraw.ImageDraw, kind: str, place: tuple[int, int, int], colour: tuple[int, int, int]
) -> None:
    x, y, extent = place
    if kind == "disc":
        brush.ellipse([x, y, x + extent, y + extent * 0.7], fill=colour)
    elif kind == "box":
        brush.rectangle([x, y, x + extent, y + extent], fill=colour)
    elif kind == "kite":
        brush.polygon([(x, y), (x + extent, y + extent // 3), (x + extent // 2, y + extent)], fill=colour)
    else:
        for step in range(0, extent, 9):
            brush.line([(x + step, y), (x + step + 40, y + extent)], fill=colour, width=3)


def _wrap(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    SAMPLES.mkdir(exist_ok=True)
    for name, content in make_samples().items():
        (SAMPLES / name).write_bytes(content)
