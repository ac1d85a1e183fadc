"""A program called `docker` that records how it was called and behaves as it is told: there is no engine in tests.

`run` does what a container of deploy/gfpgan would do to the folders that are mounted, with a stub for the model.
"""

import json
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from scripts.source import ROOT

SAYS = {
    "daemon down": (125, "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock."),
    "image missing": (125, "docker: Error response from daemon: No such image: soulteary/docker-gfpgan:v1.4.0."),
    "no script": (2, "python3: can't open file '/app/inference_gfpgan.py': [Errno 2] No such file or directory"),
    "no python": (127, 'exec: "python3": executable file not found in $PATH: unknown.'),
    "out of memory": (137, ""),
    "fails": (1, "Traceback (most recent call last):\nRuntimeError: bad magic number in /home/owner/secret.pth"),
}


@dataclass(frozen=True, slots=True)
class FakeDocker:
    """The program, in a folder of its own."""

    folder: Path

    @classmethod
    def install(cls, folder: Path, behaviour: str = "works") -> "FakeDocker":
        folder.mkdir()
        program = folder / "docker"
        call = "import sys; from pathlib import Path; from tests.contract.images.fake_docker import main; "
        program.write_text(
            f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(ROOT)!r})\n"
            f"{call}main(Path({str(folder)!r}), sys.argv[1:])\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        fake = cls(folder)
        fake.behave(behaviour)
        return fake

    @property
    def path(self) -> str:
        return str(self.folder / "docker")

    def behave(self, behaviour: str) -> None:
        (self.folder / "behaviour").write_text(behaviour)

    @property
    def calls(self) -> list[list[str]]:
        """Every call's arguments, in order."""
        record = self.folder / "calls"
        return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def main(folder: Path, argv: Sequence[str]) -> None:
    """Behave like Docker's command line."""
    with (folder / "calls").open("a") as record:
        record.write(json.dumps(list(argv)) + "\n")
    behaviour = (folder / "behaviour").read_text()
    if argv[0] in {"kill", "rm"}:
        return
    if behaviour in SAYS:
        code, words = SAYS[behaviour]
        sys.stderr.write(words + "\n")
        sys.exit(code)
    if argv[0] == "run":
        _run(behaviour, argv)


def _run(behaviour: str, argv: Sequence[str]) -> None:
    mounts = dict(_read_mount(value) for flag, value in pairwise(argv) if flag == "--mount")
    output = mounts["/beseda/out"] / "restored_imgs"
    if behaviour == "hangs":
        time.sleep(600)
    elif behaviour == "leaves junk":
        (output / "photo.png").write_bytes(b"not a picture")
    elif behaviour == "leaves a link":
        (output / "photo.png").symlink_to(mounts["/beseda/in"] / "photo.png")
    elif behaviour == "works":
        _restore([_see_outside(word, mounts) for word in argv])


def _read_mount(value: str) -> tuple[str, Path]:
    parts = dict(part.split("=") for part in value.split(",") if "=" in part)
    return parts["target"], Path(parts["source"])


def _see_outside(word: str, mounts: Mapping[str, Path]) -> str:
    """Return a path of the container as this machine has it; any other word as it is."""
    folder = next((inside for inside in mounts if word == inside or word.startswith(f"{inside}/")), None)
    return word if folder is None else str(mounts[folder]) + word.removeprefix(folder)


def _restore(argv: Sequence[str]) -> None:
    from tests.contract.images.gfpgan_parts import StubRestorer, load_shipped  # noqa: PLC0415 - no other call needs it

    script = load_shipped("inference_gfpgan")
    arguments = script.read_arguments(list(argv[list(argv).index("/app/inference_gfpgan.py") + 1 :]))
    script.run(arguments, lambda version: StubRestorer())
