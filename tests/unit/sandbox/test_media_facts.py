from pathlib import Path

import pytest

from botapi_sandbox.media_facts import looks_like_voice, measure_ogg_seconds, measure_picture
from tests.parts.media_samples import make_jpeg_head, make_opus, make_png

WEBP = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (make_png(64, 32), (64, 32)),
        (make_jpeg_head(1280, 720), (1280, 720)),
        (b"GIF89a\x10\x00\x20\x00", (16, 32)),
        (WEBP, (640, 480)),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"\xff\xd8\xff", None),
        (b"GIF89a", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"", None),
    ],
)
def test_picture_is_measured_by_its_head(tmp_path: Path, data: bytes, size: tuple[int, int] | None) -> None:
    (tmp_path / "picture").write_bytes(data)
    assert measure_picture(tmp_path / "picture") == size


@pytest.mark.parametrize(
    ("data", "seconds"), [(make_opus(7), 7), (b"ID3", None), (b"OggS", None), (b"OggS" + b"\0" * 60, 0)]
)
def test_voice_is_measured_by_its_last_page(tmp_path: Path, data: bytes, seconds: int | None) -> None:
    (tmp_path / "voice").write_bytes(data)
    assert measure_ogg_seconds(tmp_path / "voice") == seconds


@pytest.mark.parametrize(
    ("data", "is_voice"), [(b"OggS", True), (b"ID3", True), (b"\0\0\0\x20ftypM4A ", True), (b"RIFF", False)]
)
def test_voice_formats_are_recognised(tmp_path: Path, data: bytes, *, is_voice: bool) -> None:
    (tmp_path / "voice").write_bytes(data)
    assert looks_like_voice(tmp_path / "voice") is is_voice
