"""What a file is does not depend on the machine's tables."""

import subprocess
import sys

import pytest

from beseda.core.mime import guess_mime, sniff


@pytest.mark.parametrize("suffix", ["m4a", "caf", "oga", "wma", "flac", "amr", "mp3", "opus", "aac", "ogg", "wav"])
def test_recordings_are_known_by_name(suffix: str) -> None:
    assert guess_mime(f"Запись 12.{suffix.upper()}").startswith("audio/")


@pytest.mark.parametrize("name", ["", "mp3", ".mp3", "file.", "report", "a.unknown"])
def test_other_names_give_no_state(name: str) -> None:
    assert guess_mime(name) == ""


def test_names_are_judged_without_the_tables_of_the_machine() -> None:
    code = (
        "import mimetypes; mimetypes.init([]); mimetypes.knownfiles = []; mimetypes.types_map.clear();"
        "from beseda.engine.incoming import _mime; print(_mime({'file_name': 'Запись 12.m4a'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "audio/mp4"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"OggS\x00\x02", "audio/ogg"),
        (b"fLaC\x00", "audio/flac"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"#!AMR\n", "audio/amr"),
        (b"#!AMR-WB\n", "audio/amr"),
        (b"caff\x00\x01", "audio/x-caf"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6", "audio/x-ms-wma"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"FORM\x00\x00\x00\x00AIFF", "audio/aiff"),
        (b"\x00\x00\x00\x1cftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x1cftypisom", "video/mp4"),
        (b"\x00\x00\x00\x1cftypheic", "image/heic"),
        (b"\x00\x00\x00\x1cftyp3gp4", "video/3gpp"),
        (b"\x1aE\xdf\xa3\x01", "video/webm"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"", ""),
        (b"\xff", ""),
        (b"\xff\xff\xff\xff", ""),
        ("Привет".encode(), ""),
        (b"RIFF", ""),
    ],
)
def test_files_are_known_by_their_first_bytes(head: bytes, mime: str) -> None:
    assert sniff(head) == mime
