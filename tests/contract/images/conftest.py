"""Every enhancer, with whatever it needs on this machine."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from beseda.images.base import Enhancer
from beseda.images.basic import BasicEnhancer
from beseda.images.gfpgan_docker import DockerSettings, GfpganDocker
from beseda.images.gfpgan_http import GfpganHttp, HttpSettings
from beseda.images.process_pool import ImageProcessPool
from beseda.images.registry import FailoverEnhancer
from tests.contract.images.fake_docker import FakeDocker
from tests.contract.images.gfpgan_parts import GfpganServer


@dataclass(frozen=True, slots=True)
class Place:
    """An enhancer and the folder in which it works."""

    enhancer: Enhancer
    work: Path
    out: Path

    def left_behind(self) -> list[str]:
        return [path.name for folder in (self.work, self.out) for path in folder.iterdir()]


@pytest.fixture
def docker(tmp_path: Path) -> FakeDocker:
    return FakeDocker.install(tmp_path / "bin")


@pytest.fixture
async def server() -> AsyncIterator[GfpganServer]:
    async with GfpganServer() as running:
        yield running


@pytest.fixture(params=["basic", "gfpgan_docker", "gfpgan_http", "failover"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, docker: FakeDocker, server: GfpganServer
) -> AsyncIterator[Place]:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    darkroom = ImageProcessPool()
    enhancers: dict[str, Enhancer] = {
        "basic": BasicEnhancer(darkroom),
        "gfpgan_docker": GfpganDocker(DockerSettings(docker=docker.path, work_dir=work), darkroom),
        "gfpgan_http": GfpganHttp(HttpSettings(server.url, work_dir=work), darkroom),
    }
    enhancers["failover"] = FailoverEnhancer(list(enhancers.values()))
    yield Place(enhancers[request.param], work, out)
    for enhancer in enhancers.values():
        await enhancer.close()
