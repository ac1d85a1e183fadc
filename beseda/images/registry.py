"""From settings to an enhancer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from beseda.core.errors import PhotoTooLargeError, RemoteError, SettingsError, ToolError
from beseda.core.failover import Failover
from beseda.images.base import Enhanced, EnhanceOptions, Enhancer, PhotoBackend
from beseda.images.basic import BasicEnhancer
from beseda.images.gfpgan_docker import DockerSettings, GfpganDocker
from beseda.images.gfpgan_http import GfpganHttp, HttpSettings
from beseda.images.process_pool import ImageProcessPool

BACKENDS: Final[tuple[str, ...]] = get_args(PhotoBackend)


@dataclass(frozen=True, slots=True)
class PhotoSettings:
    """The enhancers to use, the preferred one first, and the settings of each."""

    backends: Sequence[str] = ("basic",)
    docker: DockerSettings = field(default_factory=DockerSettings)
    http: HttpSettings | None = None


class FailoverEnhancer(Failover[Enhancer]):
    """An `Enhancer` made of others. Its results name the one that worked."""

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Return the first result that can be had. Another back-end may take larger photos."""
        faults = (RemoteError, ToolError, PhotoTooLargeError)
        return await self.try_each(lambda member: member.enhance(source, target, options), faults)


def build_enhancer(settings: PhotoSettings, darkroom: ImageProcessPool) -> Enhancer:
    """Return the enhancer that `settings` ask for. Raises `SettingsError` for one that is unknown or has no address."""
    enhancers = [_build_one(name, settings, darkroom) for name in dict.fromkeys(settings.backends or ("basic",))]
    return enhancers[0] if len(enhancers) == 1 else FailoverEnhancer(enhancers)


def _build_one(name: str, settings: PhotoSettings, darkroom: ImageProcessPool) -> Enhancer:
    if name not in _BUILDERS:
        raise SettingsError(f"BESEDA_PHOTO names {name}, an unknown back-end: known are {', '.join(BACKENDS)}")
    return _BUILDERS[name](settings, darkroom)


def _build_http(settings: PhotoSettings, darkroom: ImageProcessPool) -> Enhancer:
    if settings.http is None:
        raise SettingsError("gfpgan_http needs GFPGAN_URL, the address of the server of deploy/gfpgan")
    return GfpganHttp(settings.http, darkroom)


_BUILDERS: Final[Mapping[str, Callable[[PhotoSettings, ImageProcessPool], Enhancer]]] = {
    "basic": lambda _, darkroom: BasicEnhancer(darkroom),
    "gfpgan_docker": lambda settings, darkroom: GfpganDocker(settings.docker, darkroom),
    "gfpgan_http": _build_http,
}
