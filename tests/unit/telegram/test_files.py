"""The call that sends files."""

from pathlib import Path

import orjson
import pytest

from beseda.core.errors import FileTooLargeError, NotFoundError
from beseda.telegram.files import UPLOAD_LIMIT, load_upload
from beseda.telegram.part import Media, MediaKind, read_media, write_media

CAPTION = {"caption": "<b>a</b>", "parse_mode": "HTML"}


def test_part_remembers_its_files() -> None:
    media = [Media(MediaKind.PHOTO, "ab/1.jpg", "photo.jpg"), Media(MediaKind.DOCUMENT, "ab/2.txt", "текст.txt")]
    assert read_media(write_media(media)) == media


async def test_one_file_has_its_own_method(tmp_path: Path) -> None:
    (tmp_path / "1.ogg").write_bytes(b"sound")
    upload = await load_upload([Media(MediaKind.VOICE, "1.ogg", "voice.ogg")], tmp_path, CAPTION)
    assert (upload.method, upload.files, upload.params) == ("sendVoice", {"voice": ("voice.ogg", b"sound")}, CAPTION)


async def test_several_files_go_out_as_an_album_with_one_caption(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"1")
    upload = await load_upload([Media(MediaKind.PHOTO, "1.jpg", "a.jpg")] * 2, tmp_path, CAPTION)
    items = orjson.loads(upload.params["media"])
    assert upload.method == "sendMediaGroup"
    assert [(item["media"], "caption" in item) for item in items] == [
        ("attach://file0", True),
        ("attach://file1", False),
    ]


async def test_file_that_is_gone_or_too_large_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        await load_upload([Media(MediaKind.PHOTO, "1.jpg", "a.jpg")], tmp_path, {})
    with (tmp_path / "1.jpg").open("wb") as file:
        file.truncate(UPLOAD_LIMIT + 1)
    with pytest.raises(FileTooLargeError):
        await load_upload([Media(MediaKind.PHOTO, "1.jpg", "a.jpg")], tmp_path, {})
