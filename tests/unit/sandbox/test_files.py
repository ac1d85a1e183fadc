import io
import json
from pathlib import Path

import pytest

from botapi_sandbox.files import ReceivedFile, SandboxFiles
from botapi_sandbox.refusals import ApiRefusalError


def make_upload(data: bytes, name: str = "a.txt") -> ReceivedFile:
    return ReceivedFile(io.BytesIO(data), len(data), name, "")


async def test_oldest_files_make_room(tmp_path: Path) -> None:
    store = SandboxFiles(tmp_path, max_bytes=250)
    ids = [(await store.save(make_upload(b"x" * 100), "document")).file_id for _ in range(3)]
    assert [store.get(file_id) is not None for file_id in ids] == [False, True, True]
    assert len(list((tmp_path / "files").glob("*.bin"))) == 2
    store.clear()
    assert list((tmp_path / "files").iterdir()) == []


async def test_files_of_an_earlier_run_are_still_known(tmp_path: Path) -> None:
    first = await SandboxFiles(tmp_path, max_bytes=1000).save(make_upload(b"abc", "отчёт.txt"), "document")
    again = SandboxFiles(tmp_path, max_bytes=1000)
    assert again.get(first.file_id) == first
    assert again.find_remote(first.remote_path).path.read_bytes() == b"abc"
    second = await again.save(make_upload(b"x"), "document")
    assert (first.remote_path, second.remote_path) == ("documents/file_1.txt", "documents/file_2.txt")


async def test_damaged_descriptions_are_cleared_away(tmp_path: Path) -> None:
    await SandboxFiles(tmp_path, max_bytes=1000).save(make_upload(b"abc"), "document")
    (description,) = (tmp_path / "files").glob("*.json")
    description.write_text("nonsense")
    SandboxFiles(tmp_path, max_bytes=1000)
    assert list((tmp_path / "files").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "extension"), [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("no", "bin"), ("a.ж", "bin"), ("x./../y", "bin")]
)
async def test_extension_is_the_senders_but_the_name_is_ours(tmp_path: Path, name: str, extension: str) -> None:
    stored = await SandboxFiles(tmp_path, max_bytes=1000).save(make_upload(b"x", name), "document")
    assert stored.remote_path == f"documents/file_1.{extension}"
    assert stored.path.parent == tmp_path / "files"


async def test_path_outside_the_store_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ApiRefusalError, match="Not Found"):
        SandboxFiles(tmp_path, max_bytes=1000).find_remote("../ids.json")


async def test_files_of_versions_without_owners_stay_of_use(tmp_path: Path) -> None:
    stored = await SandboxFiles(tmp_path, 1000).save(make_upload(b"text"), "document", owners=["first_bot"])
    assert SandboxFiles(tmp_path, 1000).get(stored.file_id, "second_bot") is None
    description = stored.path.with_suffix(".json")
    fields = json.loads(description.read_bytes())
    del fields["owners"]
    description.write_text(json.dumps(fields))
    assert SandboxFiles(tmp_path, 1000).get(stored.file_id, "second_bot") is not None
