"""`basic`: enhancement of a photo without any model, on this machine."""

from pathlib import Path

from beseda.core.failover import BackendHealth
from beseda.images.base import Enhanced, EnhanceOptions
from beseda.images.process_pool import ImageProcessPool


class BasicEnhancer:
    """An `Enhancer` that needs nothing. It knows no faces, so `only_center_face` changes nothing."""

    name = "basic"

    def __init__(self, darkroom: ImageProcessPool) -> None:
        self._darkroom = darkroom

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Turn upright, reduce noise, spread dull contrast, enlarge, sharpen.

        By default a photo is enlarged twice or four times, if its size allows.
        """
        made = await self._darkroom.enhance(source, target, options.scale)
        return Enhanced(made.width, made.height, self.name, made.scale)

    async def check(self) -> BackendHealth:
        """Return that it works: it is a part of the program."""
        return BackendHealth(ok=True, detail="basic works on this machine")

    async def close(self) -> None:
        """Do nothing: each photo's process ends with it."""
