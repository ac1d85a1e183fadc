"""What every enhancer does, whatever it is made of."""

from pathlib import Path

import pytest
from PIL import Image, ImageCms

from beseda.core.errors import InputError, PhotoTooLargeError, ToolError, UnreadablePhotoError, UnsupportedPhotoError
from beseda.images.base import EnhanceOptions
from tests.contract.images.conftest import Place
from tests.parts.photo_samples import SAMPLES, draw_scene

PLAIN = EnhanceOptions(scale=2)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


async def test_result_is_larger_and_names_its_backend(place: Place) -> None:
    target = place.out / "better.jpg"
    made = await place.enhancer.enhance(SAMPLES / "photo.jpg", target, PLAIN)
    assert (made.width, made.height, made.scale) == (640, 480, 2)
    assert size_of(target) == (640, 480)
    assert made.backend in place.enhancer.name.split(",")
    assert place.left_behind() == ["better.jpg"]


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".JPEG", "JPEG"), (".png", "PNG"), (".webp", "WEBP")])
async def test_suffix_names_the_format(place: Place, suffix: str, kind: str) -> None:
    target = place.out / f"better{suffix}"
    await place.enhancer.enhance(SAMPLES / "turned.jpg", target, PLAIN)
    with Image.open(target) as image:
        assert image.format == kind


async def test_photo_is_turned_upright_and_loses_its_metadata(place: Place) -> None:
    made = await place.enhancer.enhance(SAMPLES / "turned.jpg", place.out / "up.jpg", PLAIN)
    assert (made.width, made.height) == (128, 192)
    with Image.open(place.out / "up.jpg") as image:
        assert dict(image.getexif()) == {}


@pytest.mark.parametrize("name", ["cmyk.jpg", "gray.png", "deep.png", "glass.png", "still.gif"])
async def test_unusual_picture_becomes_a_photo(place: Place, name: str) -> None:
    made = await place.enhancer.enhance(SAMPLES / name, place.out / "better.png", PLAIN)
    assert (made.width, made.height) == (192, 128)
    with Image.open(place.out / "better.png") as image:
        assert image.mode == "RGB"
        assert image.convert("L").getextrema() != (0, 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("empty.jpg", UnreadablePhotoError),
        ("text.jpg", UnreadablePhotoError),
        ("truncated.jpg", UnreadablePhotoError),
        ("moving.gif", UnsupportedPhotoError),
        ("phone.heic", UnsupportedPhotoError),
        ("bomb.png", PhotoTooLargeError),
    ],
)
async def test_bad_photo_is_refused_and_leaves_nothing(place: Place, name: str, kind: type[InputError]) -> None:
    with pytest.raises(kind):
        await place.enhancer.enhance(SAMPLES / name, place.out / "better.jpg", PLAIN)
    assert place.left_behind() == []


async def test_result_may_not_grow_beyond_the_limit(place: Place, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1400)).save(tmp_path / "wide.png")
    with pytest.raises(PhotoTooLargeError, match="2 times is the most"):
        await place.enhancer.enhance(tmp_path / "wide.png", place.out / "better.jpg", EnhanceOptions(scale=3))
    assert place.left_behind() == []


async def test_small_photo_is_enlarged_four_times_by_itself(place: Place) -> None:
    made = await place.enhancer.enhance(SAMPLES / "noisy.jpg", place.out / "better.png", EnhanceOptions())
    assert (made.width, made.height, made.scale) == (800, 600, 4)


@pytest.mark.parametrize("scale", [1, 3, 4])
async def test_scale_is_the_requested_one(place: Place, scale: int) -> None:
    made = await place.enhancer.enhance(SAMPLES / "gray.png", place.out / "better.png", EnhanceOptions(scale))
    assert (made.width, made.height, made.scale) == (96 * scale, 64 * scale, scale)


async def test_profile_of_colours_is_kept(place: Place, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    draw_scene(1, (64, 48)).save(tmp_path / "wide.jpg", icc_profile=profile)
    await place.enhancer.enhance(tmp_path / "wide.jpg", place.out / "better.jpg", PLAIN)
    with Image.open(place.out / "better.jpg") as image:
        assert bool(image.info.get("icc_profile")) is True


async def test_path_like_name_is_only_a_name(place: Place, tmp_path: Path) -> None:
    source = tmp_path / "..; rm -rf ~ $(id) -o.jpg"
    source.write_bytes((SAMPLES / "gray.png").read_bytes())
    made = await place.enhancer.enhance(source, place.out / "better.jpg", PLAIN)
    assert made.width == 192


async def test_target_that_cannot_be_written_is_this_machine_s_fault(place: Place) -> None:
    with pytest.raises(ToolError):
        await place.enhancer.enhance(SAMPLES / "gray.png", place.out / "nowhere" / "better.jpg", PLAIN)


async def test_older_result_stays_if_a_new_one_fails(place: Place) -> None:
    (place.out / "better.jpg").write_bytes(b"older")
    with pytest.raises(UnreadablePhotoError):
        await place.enhancer.enhance(SAMPLES / "truncated.jpg", place.out / "better.jpg", PLAIN)
    assert (place.out / "better.jpg").read_bytes() == b"older"


async def test_check_reports_a_working_backend(place: Place) -> None:
    health = await place.enhancer.check()
    assert health.ok, health.detail
