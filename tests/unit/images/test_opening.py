"""Whatever is wrong in a file, it is one of our three errors."""

import random
import warnings
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from beseda.core.errors import InputError, PhotoTooLargeError
from beseda.images._decode import open_picture
from tests.parts.photo_samples import SAMPLES, draw_scene, encode


def damage(content: bytes, chance: random.Random) -> bytes:
    broken = bytearray(content)
    for _ in range(chance.choice((1, 2, 5, 20))):
        broken[chance.randrange(min(len(broken), chance.choice((64, 400, 100_000))))] = chance.randrange(256)
    return bytes(broken[: chance.choice((len(broken), len(broken), chance.randrange(len(broken))))])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF"])
def test_damaged_file_is_refused_or_read(kind: str, tmp_path: Path) -> None:
    whole, chance, path = encode(draw_scene(1, (40, 30)), kind), random.Random(7), tmp_path / "photo"
    outcomes = Counter[str]()
    with warnings.catch_warnings(action="ignore"):  # Pillow's own words on damage: its process says them to nobody
        for _ in range(300):
            path.write_bytes(damage(whole, chance))
            try:
                assert open_picture(path).image.mode == "RGB"
                outcomes["read"] += 1
            except InputError:
                outcomes["refused"] += 1
    assert outcomes["refused"] > 20


def test_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(PhotoTooLargeError, match="50000x50000"):
        open_picture(SAMPLES / "bomb.png")


def test_file_that_is_too_long_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "photo.jpg").open("wb") as file:
        file.truncate(50_000_001)
    with pytest.raises(PhotoTooLargeError, match="50000001 bytes"):
        open_picture(tmp_path / "photo.jpg")


def test_sixteen_bits_keep_their_range() -> None:
    levels = open_picture(SAMPLES / "deep.png").image.convert("L").getextrema()
    assert levels == (0, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_become_white(mode: str, tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (200, 0, 0, 0)).convert(mode).save(tmp_path / "glass.png")
    assert open_picture(tmp_path / "glass.png").image.getcolors() == [(64, (255, 255, 255))]


def test_phone_s_photo_with_a_depth_map_is_a_photo(tmp_path: Path) -> None:
    scene = draw_scene(1, (40, 30))
    scene.save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[scene.convert("L")])
    assert open_picture(tmp_path / "phone.jpg").image.size == (40, 30)


@pytest.mark.parametrize("values", [0.0, -3.5])
def test_picture_of_one_odd_value_is_read(values: float, tmp_path: Path) -> None:
    Image.new("F", (4, 4), values).save(tmp_path / "flat.tiff")
    assert open_picture(tmp_path / "flat.tiff").image.size == (4, 4)
