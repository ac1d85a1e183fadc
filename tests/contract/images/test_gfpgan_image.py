"""What the image of deploy/gfpgan is made of."""

import re

from beseda.images import base
from scripts.source import ROOT
from tests.contract.images.gfpgan_parts import load_shipped

FOLDER = ROOT / "deploy/gfpgan"
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (FOLDER / "requirements.txt").read_text("utf-8"), re.MULTILINE))


def test_every_version_is_pinned() -> None:
    lines = (FOLDER / "requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#") and "==" not in line] == []
    assert {"gfpgan", "basicsr", "facexlib", "torch", "torchvision", "numpy", "aiohttp"} <= PINS.keys()


def test_versions_are_those_that_work_together() -> None:
    # basicsr 1.4.2 imports a module that torchvision 0.17 has dropped; torch below 2.3 is built for NumPy 1.
    assert tuple(map(int, PINS["torchvision"].split(".")[:2])) < (0, 17)
    assert PINS["numpy"].startswith("1.")


def test_versions_of_torch_are_the_same_in_both_places() -> None:
    assert {f"{name}=={PINS[name]}" for name in ("torch", "torchvision", "numpy")} <= set(
        re.findall(r"[\w]+==[\d.]+", DOCKERFILE)
    )


def test_everything_that_is_copied_exists_and_is_let_in() -> None:
    names = [name for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()]
    allowed = (FOLDER / ".dockerignore").read_text("utf-8").splitlines()
    assert "restoring.py" in names
    assert [name for name in names if f"!{name}" not in allowed or not (FOLDER / name).exists()] == []


def test_image_runs_as_an_ordinary_user_with_a_health_check() -> None:
    assert re.search(r"^USER gfpgan$", DOCKERFILE, re.MULTILINE)
    assert "/health" in DOCKERFILE


def test_server_listens_on_loopback_by_default() -> None:
    assert '"HOST", "127.0.0.1"' in (FOLDER / "server.py").read_text("utf-8")


def test_limits_are_the_client_s() -> None:
    server = load_shipped("server")
    assert (server.MAX_SIDE, server.MAX_PIXELS) == (base.MAX_SIDE_GFPGAN, base.MAX_PIXELS)
