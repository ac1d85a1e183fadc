"""How `docker` is called, and what is made of everything it may answer."""

import asyncio
import os
from itertools import pairwise
from pathlib import Path

import pytest

from beseda.core.errors import BesedaError, PhotoTooLargeError, ToolError
from beseda.images.base import EnhanceOptions
from beseda.images.gfpgan_docker import DockerSettings, GfpganDocker
from beseda.images.process_pool import ImageProcessPool
from beseda.locales.errors import explain
from tests.contract.images.fake_docker import FakeDocker
from tests.parts.photo_samples import SAMPLES, draw_scene
from tests.parts.waiting import eventually

PHOTO = SAMPLES / "photo.jpg"


def make(docker: FakeDocker, tmp_path: Path, timeout: float = 20.0) -> GfpganDocker:
    settings = DockerSettings(docker=docker.path, work_dir=tmp_path / "work", timeout=timeout)
    return GfpganDocker(settings, ImageProcessPool())


def flags(call: list[str]) -> dict[str, str]:
    return dict(pairwise(call))


async def test_container_is_confined(docker: FakeDocker, tmp_path: Path) -> None:
    await make(docker, tmp_path).enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    call = docker.calls[0]
    given = flags(call)
    assert (given["--network"], given["--pull"], given["--cap-drop"]) == ("none", "never", "ALL")
    assert (given["--memory"], given["--memory-swap"], given["--pids-limit"]) == ("4g", "4g", "256")
    assert given["--user"] == f"{os.getuid()}:{os.getgid()}"
    assert "--rm" in call
    assert "no-new-privileges" in call
    mounts = [value for flag, value in pairwise(call) if flag == "--mount"]
    assert [mount.endswith(",readonly") for mount in mounts] == [True, False]


async def test_script_gets_its_own_arguments(docker: FakeDocker, tmp_path: Path) -> None:
    await make(docker, tmp_path).enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(3, only_center_face=True))
    call = docker.calls[0]
    assert flags(call)["--workdir"] == "/app"
    script = call.index("soulteary/docker-gfpgan:v1.4.0")
    assert call[script - 2 : script] == ["--entrypoint", "python3"]
    assert " ".join(call[script + 1 :]) == (
        "/app/inference_gfpgan.py -i /beseda/in/photo.png -o /beseda/out -v 1.4 -s 3 "
        "--bg_upsampler none --ext png --only_center_face"
    )


@pytest.mark.parametrize(("only_center_face", "faces"), [(False, 2), (True, 1)])
async def test_faces_are_counted(docker: FakeDocker, tmp_path: Path, *, only_center_face: bool, faces: int) -> None:
    options = EnhanceOptions(2, only_center_face)
    made = await make(docker, tmp_path).enhance(PHOTO, tmp_path / "better.jpg", options)
    assert made.faces == faces


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        ("daemon down", ToolError, "daemon does not answer"),
        ("image missing", ToolError, "GFPGAN_DOCKER_IMAGE=beseda-gfpgan:1"),
        ("no script", ToolError, "has no /app/inference_gfpgan.py"),
        ("no python", ToolError, "has no /app/inference_gfpgan.py"),
        ("fails", ToolError, "ended with 1"),
        ("out of memory", PhotoTooLargeError, "4g of memory"),
        ("leaves nothing", ToolError, "left nothing in restored_imgs"),
        ("leaves junk", ToolError, "no picture"),
        ("leaves a link", ToolError, "left nothing in restored_imgs"),
    ],
)
async def test_failure_is_named_and_leaves_nothing(
    docker: FakeDocker, tmp_path: Path, behaviour: str, kind: type[BesedaError], words: str
) -> None:
    docker.behave(behaviour)
    with pytest.raises(kind, match=words) as caught:
        await make(docker, tmp_path).enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    assert "secret" not in explain(caught.value, "ru") + explain(caught.value, "en")
    assert list((tmp_path / "work").iterdir()) == []
    assert not (tmp_path / "better.jpg").exists()


async def test_container_is_killed_when_its_time_is_up(docker: FakeDocker, tmp_path: Path) -> None:
    docker.behave("hangs")
    with pytest.raises(ToolError, match=r"did not end within 2 s"):
        await make(docker, tmp_path, timeout=2.0).enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    name = flags(docker.calls[0])["--name"]
    assert docker.calls[1:] == [["kill", name], ["rm", "--force", name]]
    assert list((tmp_path / "work").iterdir()) == []


async def test_container_is_killed_once_its_caller_has_left(docker: FakeDocker, tmp_path: Path) -> None:
    docker.behave("hangs")
    work = asyncio.create_task(make(docker, tmp_path).enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2)))

    async def has_started() -> bool:
        return bool(docker.calls)

    await eventually(has_started)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    name = flags(docker.calls[0])["--name"]
    assert docker.calls[1:] == [["kill", name], ["rm", "--force", name]]
    assert list((tmp_path / "work").iterdir()) == []


async def test_photo_with_a_long_side_is_not_handed_over(docker: FakeDocker, tmp_path: Path) -> None:
    draw_scene(1, (64, 48)).resize((3501, 10)).save(tmp_path / "wide.png")
    with pytest.raises(PhotoTooLargeError, match="3501 pixels"):
        await make(docker, tmp_path).enhance(tmp_path / "wide.png", tmp_path / "better.jpg", EnhanceOptions(1))
    assert docker.calls == []


async def test_machine_without_docker_is_reported(tmp_path: Path) -> None:
    enhancer = GfpganDocker(
        DockerSettings(docker=str(tmp_path / "docker"), work_dir=tmp_path / "work"), ImageProcessPool()
    )
    with pytest.raises(ToolError, match="cannot be started"):
        await enhancer.enhance(PHOTO, tmp_path / "better.jpg", EnhanceOptions(2))
    assert not (await enhancer.check()).ok


@pytest.mark.parametrize(("behaviour", "words"), [("daemon down", "daemon"), ("image missing", "not on this machine")])
async def test_check_names_the_missing_part(docker: FakeDocker, tmp_path: Path, behaviour: str, words: str) -> None:
    docker.behave(behaviour)
    health = await make(docker, tmp_path).check()
    assert not health.ok
    assert words in health.detail
