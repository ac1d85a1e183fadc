"""`beseda enhance` as a process."""

import asyncio
import contextlib
import json
import os
import pty
import shutil
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.program import PROGRAM, Program
from tests.contract.images.fake_docker import FakeDocker
from tests.contract.images.gfpgan_parts import GfpganServer
from tests.parts.photo_samples import SAMPLES
from tests.parts.waiting import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A person's folder with a few photos."""
    place = tmp_path / "pictures"
    place.mkdir()
    for name in ("photo.jpg", "gray.png", "text.jpg", "still.gif"):
        shutil.copy(SAMPLES / name, place)
    return place


@pytest.fixture
def beseda(folder: Path) -> Program:
    return Program(folder)


def read(path: Path) -> tuple[str | None, tuple[int, int]]:
    with Image.open(path) as image:
        return image.format, image.size


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_one_photo_becomes_one_file(beseda: Program, folder: Path) -> None:
    ended = await beseda("enhance", "photo.jpg", "-o", "better.png")
    assert (ended.code, ended.out, ended.err) == (0, "photo.jpg -> better.png  1280x960, basic\n", "")
    assert read(folder / "better.png") == ("PNG", (1280, 960))


async def test_several_photos_go_into_a_folder_and_no_source_is_touched(beseda: Program, folder: Path) -> None:
    before = (folder / "photo.jpg").read_bytes()
    ended = await beseda("enhance", "photo.jpg", "./photo.jpg", "gray.png", "still.gif", "-o", ".", "--scale", "1")
    assert ended.code == 0
    assert (folder / "photo.jpg").read_bytes() == before
    made = {"photo-2.jpg", "photo-3.jpg", "gray-2.png", "still.jpg"}
    assert files_below(folder) == {"photo.jpg", "gray.png", "text.jpg", "still.gif"} | made


async def test_one_bad_photo_does_not_keep_the_others(beseda: Program, folder: Path) -> None:
    ended = await beseda("enhance", "text.jpg", "photo.jpg", "-o", "out")
    assert ended.code == 1
    assert ended.complaint == "beseda: text.jpg: the file is none of JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF"
    assert {name for name in files_below(folder) if name.startswith("out")} == {"out/photo.jpg"}


async def test_program_may_read_the_outcome(beseda: Program) -> None:
    ended = await beseda("enhance", "text.jpg", "gray.png", "-o", "out", "--scale", "2", "--json")
    bad, good = json.loads(ended.out)
    assert (bad["source"], "problem" in bad) == ("text.jpg", True)
    assert good["made"] == {"width": 192, "height": 128, "backend": "basic", "scale": 2, "faces": None}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["photo.jpg", "-o", "photo.jpg"], "is the photo itself"),
        (["photo.jpg", "-o", "./link.jpg"], "is the photo itself"),
        (["photo.jpg", "gray.png", "-o", "better.jpg"], "give a folder with -o"),
        (["nowhere.jpg", "-o", "better.jpg"], "there is no file nowhere.jpg"),
        ([".", "-o", "better.jpg"], ". is not a file"),
        (["photo.jpg", "-o", "better.doc"], "a photo is written as .jpg"),
        (["photo.jpg", "-o", "nowhere/better.jpg"], "there is no folder nowhere"),
        (["photo.jpg", "-o", "text.jpg/sub"], "cannot be made a folder"),
        (["photo.jpg", "-o", "better.jpg", "--scale", "5"], "--scale is 1, 2, 3, 4 or auto"),
        (["photo.jpg", "-o", "better.jpg", "--backend", "magic"], "--backend: 'magic' will not do"),
        (["photo.jpg", "-o", "better.jpg", "--backend", "gfpgan_http"], "needs GFPGAN_URL"),
        (["photo.jpg"], "Missing option '-o'"),
    ],
)
async def test_senseless_request_is_refused_immediately(
    beseda: Program, folder: Path, arguments: list[str], words: str
) -> None:
    (folder / "link.jpg").symlink_to("photo.jpg")
    before = files_below(folder)
    ended = await beseda("enhance", *arguments)
    assert ended.code == 2
    assert words in ended.complaint
    assert files_below(folder) == before


async def test_next_back_end_steps_in(beseda: Program, tmp_path: Path) -> None:
    docker = FakeDocker.install(tmp_path / "bin", "daemon down")
    program = beseda.with_environ(PATH=f"{docker.folder}:{os.environ['PATH']}", BESEDA_PHOTO="gfpgan_docker,basic")
    ended = await program("enhance", "photo.jpg", "-o", "better.jpg")
    assert ended.code == 0
    assert ended.out.endswith("1280x960, basic\n")
    assert [call[0] for call in docker.calls] == ["run"]


async def test_docker_s_settings_are_honoured(beseda: Program, tmp_path: Path) -> None:
    docker = FakeDocker.install(tmp_path / "bin", "no script")
    program = beseda.with_environ(
        PATH=f"{docker.folder}:{os.environ['PATH']}",
        GFPGAN_DOCKER_IMAGE="mygfpgan:latest",
        GFPGAN_SCRIPT_PATH="/workspace/inference_gfpgan.py",
    )
    ended = await program("enhance", "photo.jpg", "-o", "better.jpg", "--backend", "gfpgan_docker")
    assert ended.code == 1
    assert "the image mygfpgan:latest has no /workspace/inference_gfpgan.py" in ended.complaint
    assert "/workspace" in docker.calls[0]


async def test_server_is_asked_at_its_configured_address(beseda: Program) -> None:
    async with GfpganServer() as server:
        program = beseda.with_environ(GFPGAN_URL=server.url, BESEDA_PHOTO="gfpgan_http")
        ended = await program("enhance", "photo.jpg", "-o", "better.jpg", "--scale", "2", "--only-center-face")
        assert ended.out == "photo.jpg -> better.jpg  640x480, gfpgan_http\n"
        assert server.restorer.asked == [((320, 240), 2, True)]


async def test_ctrl_c_leaves_nothing_half_written(beseda: Program, folder: Path) -> None:
    Image.linear_gradient("L").resize((4900, 4900)).save(folder / "large.png", compress_level=1)
    before = files_below(folder)
    process = await beseda.spawn("enhance", "large.png", "-o", "better.png", "--scale", "1")

    async def is_writing() -> bool:
        return any(name.endswith(".part") for name in files_below(folder))

    await eventually(is_writing, within=60)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        await process.communicate()
    assert process.returncode == 130
    assert files_below(folder) == before


async def test_progress_is_shown_on_a_terminal(beseda: Program, folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "enhance", "photo.jpg", "gray.png", "-o", "out"),
        cwd=folder,
        env={**beseda.environ, "TERM": "xterm", "COLUMNS": "80"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    async with asyncio.timeout(60):
        shown = await asyncio.to_thread(_read_all, ours)
        assert await process.wait() == 0
    assert "2/2" in shown


def _read_all(terminal: int) -> str:
    shown = b""
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as screen:
        while piece := screen.read(4096):
            shown += piece
    return shown.decode()
