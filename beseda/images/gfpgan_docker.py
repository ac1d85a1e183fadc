"""`gfpgan_docker`: GFPGAN's own script, a container for each photo.

Source of the script's arguments and output folders: TencentARC/GFPGAN 1.3.8, `inference_gfpgan.py`. Access to Docker's
daemon amounts to root on the machine: a long-lived container (`gfpgan_http`) needs fewer rights.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from beseda.core.errors import PhotoTooLargeError, ToolError, UnreadablePhotoError, UnsupportedPhotoError
from beseda.core.failover import BackendHealth
from beseda.core.ids import new_id
from beseda.core.subprocesses import Completed, ProgramError, run
from beseda.images._workbench import open_workbench
from beseda.images.base import DOCUMENTED_IMAGE, DOCUMENTED_SCRIPT, Enhanced, EnhanceOptions
from beseda.images.process_pool import ImageProcessPool, PoolResult

_INSIDE: Final = "/beseda"  # where the photo is in the container
_OUTPUTS: Final = ("cropped_faces", "restored_faces", "cmp", "restored_imgs")
_PATIENCE: Final = 10.0  # seconds for Docker to answer what costs it nothing
_KILLED: Final = 137  # 128 + SIGKILL: out of memory, as nobody else kills there


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """The image, its script, and the limits of a container: `memory` as Docker writes it, `timeout` in seconds.

    On a processor a face takes 20 to 60 s.
    """

    image: str = DOCUMENTED_IMAGE
    script_path: str = DOCUMENTED_SCRIPT
    docker: str = "docker"
    version: str = "1.4"
    timeout: float = 180.0
    memory: str = "4g"
    pids: int = 256
    work_dir: Path | None = None


class GfpganDocker:
    """An `Enhancer` that runs one container at a time."""

    name = "gfpgan_docker"

    def __init__(
        self, settings: DockerSettings, darkroom: ImageProcessPool, slots: asyncio.Semaphore | None = None
    ) -> None:
        self._settings = settings
        self._darkroom = darkroom
        self._slots = slots or asyncio.Semaphore(1)

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Restore the faces of `source`. The container has the photo and an empty folder, and no network.

        Raise the errors of `Enhancer.enhance`, and `ToolError` for any fault of Docker, image or script.
        """
        async with self._slots, open_workbench(self._settings.work_dir) as folder:
            output = await asyncio.to_thread(_lay_out, folder)
            photo = await self._darkroom.prepare(source, folder / "in" / "photo.png", options.scale)
            await self._run_container(folder, photo, options)
            made = await self._collect(output, target, folder / "in" / "photo.png")
            faces = len(await asyncio.to_thread(os.listdir, output / "restored_faces"))
        return Enhanced(made.width, made.height, self.name, photo.scale, faces)

    async def check(self) -> BackendHealth:
        """Ask Docker whether the image is on this machine."""
        image = self._settings.image
        try:
            completed = await run(
                [self._settings.docker, "image", "inspect", image], timeout=_PATIENCE, max_output=4096
            )
        except ProgramError as error:
            return BackendHealth(ok=False, detail=f"Docker does not work here: {error}")
        if completed.returncode:
            return BackendHealth(ok=False, detail=str(self._explain(completed)))
        return BackendHealth(ok=True, detail=f"the image {image} is here")

    async def close(self) -> None:
        """Do nothing: containers end with their photo."""

    async def _run_container(self, folder: Path, photo: PoolResult, options: EnhanceOptions) -> None:
        name = f"beseda-gfpgan-{new_id()}"
        argv = [self._settings.docker, "run", *self._confine(name, folder), *self._call_script(photo.scale, options)]
        try:
            completed = await run(argv, timeout=self._settings.timeout)
        except ProgramError as error:
            await asyncio.shield(self._end_container(name))
            raise ToolError(f"GFPGAN in Docker: {error}") from error
        except asyncio.CancelledError:
            await asyncio.shield(self._end_container(name))
            raise
        if completed.returncode == _KILLED:
            raise PhotoTooLargeError(f"GFPGAN ran out of its {self._settings.memory} of memory")
        if completed.returncode:
            raise self._explain(completed)

    def _confine(self, name: str, folder: Path) -> list[str]:
        limits = ["--memory", self._settings.memory, "--memory-swap", self._settings.memory]
        limits += ["--pids-limit", str(self._settings.pids)]
        rights = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{os.getuid()}:{os.getgid()}"]
        # Libraries keep caches at home, and that user has none.
        mounts = ["--tmpfs", "/tmp", "--env", "HOME=/tmp"]  # noqa: S108 - the container's own
        mounts += ["--mount", f"type=bind,source={folder / 'in'},target={_INSIDE}/in,readonly"]
        mounts += ["--mount", f"type=bind,source={folder / 'out'},target={_INSIDE}/out"]
        # An image is fetched by its owner: gigabytes in the middle of a conversation would be no answer.
        return ["--rm", "--name", name, "--pull", "never", "--network", "none", *limits, *rights, *mounts]

    def _call_script(self, scale: int, options: EnhanceOptions) -> list[str]:
        script = PurePosixPath(self._settings.script_path)
        # The script looks for its weights from where it is started.
        place = ["--workdir", str(script.parent), "--entrypoint", "python3", self._settings.image, str(script)]
        what = ["-i", f"{_INSIDE}/in/photo.png", "-o", f"{_INSIDE}/out", "-v", self._settings.version, "-s", str(scale)]
        # Real-ESRGAN works on a graphics card only, and would look for its weights on the network.
        how = ["--bg_upsampler", "none", "--ext", "png"]
        return [*place, *what, *how, *(["--only_center_face"] if options.only_center_face else [])]

    def _explain(self, completed: Completed) -> ToolError:
        said = completed.stderr[-600:].decode(errors="replace").strip()
        image, script = self._settings.image, self._settings.script_path
        advice = "build deploy/gfpgan and set GFPGAN_DOCKER_IMAGE=beseda-gfpgan:1"
        # Docker's words, older ones of its, and Podman's.
        if any(words in said for words in ("No such image", "nable to find image", "image not known")):
            return ToolError(f"the image {image} is not on this machine: {advice}, or docker pull it")
        if "Cannot connect to the Docker daemon" in said or "permission denied" in said.lower():
            return ToolError(f"Docker's daemon does not answer: {said}")
        if "can't open file" in said or completed.returncode in {126, 127}:
            return ToolError(f"the image {image} has no {script} (no image of soulteary's has): {advice}")
        return ToolError(f"GFPGAN in Docker ended with {completed.returncode}: {said}")

    async def _end_container(self, name: str) -> None:
        """End the container, which the daemon runs: killing the `docker` program does not end it."""
        for command in (["kill", name], ["rm", "--force", name]):
            with suppress(ProgramError):
                await run([self._settings.docker, *command], timeout=_PATIENCE)

    async def _collect(self, output: Path, target: Path, like: Path) -> PoolResult:
        results = await asyncio.to_thread(_list_results, output)
        if not results:
            raise ToolError("GFPGAN has ended well and left nothing in restored_imgs")
        try:
            return await self._darkroom.finish(results[0], target, like=like)
        except (UnreadablePhotoError, PhotoTooLargeError, UnsupportedPhotoError) as error:
            raise ToolError(f"what GFPGAN left in restored_imgs is no picture: {error}") from error


def _lay_out(folder: Path) -> Path:
    (folder / "in").mkdir(mode=0o755)
    # Without root, Docker maps users: the container's is another one than ours, and what it makes in folders of ours
    # can still be removed. The workbench around them is open to nobody.
    for place in (folder / "out", *(folder / "out" / name for name in _OUTPUTS)):
        place.mkdir()
        place.chmod(0o777)
    return folder / "out"


def _list_results(output: Path) -> list[Path]:
    # A link that the container has left would be followed on our side.
    found = [path for path in (output / "restored_imgs").glob("photo*") if path.is_file() and not path.is_symlink()]
    return sorted(path for path in found if path.resolve().is_relative_to(output.resolve()))
