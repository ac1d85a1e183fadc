from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beseda.app_settings import photo_settings
from beseda.config import load_settings
from beseda.core.errors import (
    BesedaError,
    PhotoTooLargeError,
    SettingsError,
    ToolError,
    UnavailableError,
    UnreadablePhotoError,
)
from beseda.core.failover import BackendHealth
from beseda.images.base import Enhanced, EnhanceOptions
from beseda.images.process_pool import ImageProcessPool
from beseda.images.registry import BACKENDS, FailoverEnhancer, PhotoSettings, build_enhancer


@dataclass
class Scripted:
    """An enhancer that does as it is told."""

    name: str
    failure: BesedaError | None = None
    asked: list[Path] = field(default_factory=list)

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        self.asked.append(source)
        if self.failure:
            raise self.failure
        return Enhanced(1, 1, self.name, 1)

    async def check(self) -> BackendHealth:
        return BackendHealth(ok=self.failure is None, detail=self.name)

    async def close(self) -> None:
        self.name = "closed"


def name_of(environ: dict[str, str]) -> str:
    return build_enhancer(photo_settings(load_settings(None, {}, environ)), ImageProcessPool()).name


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "basic"),
        ({"BESEDA_PHOTO": "gfpgan_docker"}, "gfpgan_docker"),
        ({"BESEDA_PHOTO": "gfpgan_http, basic", "GFPGAN_URL": "http://127.0.0.1:8010/"}, "gfpgan_http,basic"),
        ({"BESEDA_PHOTO": "basic,basic"}, "basic"),
    ],
)
def test_settings_choose_the_enhancer(environ: dict[str, str], name: str) -> None:
    assert name_of(environ) == name


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BESEDA_PHOTO": "magic"}, "BESEDA_PHOTO"),
        ({"BESEDA_PHOTO": "gfpgan_http"}, "GFPGAN_URL"),
        ({"GFPGAN_URL": "ftp://127.0.0.1:8010"}, "GFPGAN_URL"),
        ({"GFPGAN_DOCKER_IMAGE": "--privileged"}, "GFPGAN_DOCKER_IMAGE"),
        ({"GFPGAN_SCRIPT_PATH": "inference_gfpgan.py"}, "GFPGAN_SCRIPT_PATH"),
    ],
)
def test_wrong_setting_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        name_of(environ)


def test_unknown_back_end_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SettingsError, match=", ".join(BACKENDS)):
        build_enhancer(PhotoSettings(["magic"]), ImageProcessPool())


@pytest.mark.parametrize("failure", [ToolError("no docker"), UnavailableError("down"), PhotoTooLargeError("wide")])
async def test_next_one_steps_in(failure: BesedaError) -> None:
    first, second = Scripted("first", failure), Scripted("second")
    made = await FailoverEnhancer([first, second]).enhance(Path("a"), Path("b"), EnhanceOptions())
    assert made.backend == "second"


async def test_invalid_photo_is_a_task_for_no_service() -> None:
    first, second = Scripted("first", UnreadablePhotoError("text")), Scripted("second")
    with pytest.raises(UnreadablePhotoError):
        await FailoverEnhancer([first, second]).enhance(Path("a"), Path("b"), EnhanceOptions())
    assert second.asked == []


async def test_failure_after_which_a_retry_helps_is_reported_first() -> None:
    enhancers = [Scripted("first", PhotoTooLargeError("wide")), Scripted("second", UnavailableError("down"))]
    with pytest.raises(UnavailableError):
        await FailoverEnhancer(enhancers).enhance(Path("a"), Path("b"), EnhanceOptions())
    health = await FailoverEnhancer(enhancers).check()
    assert (health.ok, health.detail) == (False, "first; second")


async def test_all_are_closed() -> None:
    enhancers = [Scripted("first"), Scripted("second")]
    await FailoverEnhancer(enhancers).close()
    assert [enhancer.name for enhancer in enhancers] == ["closed", "closed"]
