"""The wheel without the checkout: built, installed with its locked packages into an empty environment, run."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import aiohttp
import pytest

from scripts.source import ROOT
from tests.acceptance.program import Program

BIN = Path(sys.executable).parent
# What an installed Beseda needs beside its code, by kind.
DATA = (
    "beseda/migrations/versions/",
    "beseda/bots/assistant/bot.yaml",
    "beseda/bots/assistant/persona_prompt.md",
    "beseda/bots/sales/funnel.yaml",
    "beseda/bots/real_estate/sample_listings.csv",
    "botapi_sandbox/page/index.html",
    "botapi_sandbox/page/main.js",
    "botapi_sandbox/page/base.css",
)


def call(*command: str | Path, timeout: float = 300) -> None:
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    call(BIN / "python", "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    [found] = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_wheel_holds_the_files_of_the_program_and_nothing_else(wheel: Path) -> None:
    assert wheel.name.startswith("beseda_platform-")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [name for name in names if name.endswith("/METADATA")]
        text = archive.read(metadata).decode()
    assert [part for part in DATA if not any(name.startswith(part) for name in names)] == []
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"beseda", "botapi_sandbox"}
    for field in ("Author:", "Keywords:", "Classifier:", "License-Expression: MIT", "Description-Content-Type:"):
        assert field in text, field


@pytest.mark.slow
async def test_wheel_alone_ends_at_the_page(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    call(BIN / "uv", "venv", "--python", sys.executable, place)
    # Settings of the checkout (tool.uv) are no part of an installation.
    install = (BIN / "uv", "--no-config", "pip", "install", "--python", place / "bin" / "python", "--no-deps")
    call(*install, "--require-hashes", "-r", ROOT / "requirements.lock")
    call(*install, wheel)
    folder = tmp_path / "empty"
    folder.mkdir()
    program = Program(folder, {"PATH": f"{place / 'bin'}:{os.defpath}"})
    try:
        address = await start(program, place / "bin" / "beseda")
        async with aiohttp.ClientSession() as web:
            async with web.get(address) as page:
                assert page.status == 200
                assert "<html" in await page.text()
            async with web.get(address.replace("/sandbox", "/ready")) as ready:
                assert ready.status == 200
    finally:
        await program.close()
    assert (folder / "data" / "beseda.db").is_file()
    script = (place / "bin" / "botapi-sandbox", "--port", "0", "--run")
    call(*script, f"{place / 'bin' / 'python'} -c \"import os; assert os.environ['TELEGRAM_API_URL']\"")


async def start(program: Program, beseda: Path) -> str:
    """Run `beseda run` and return the address of its first line."""
    process = await program.spawn("run", "--port", "0", program=(str(beseda),))
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if "/sandbox" not in line:
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        raise AssertionError(f"{line}\n{err.decode()}")
    return line.split()[-1]
