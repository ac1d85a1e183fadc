"""Several enhancers, tried one after another until one works."""

import logging
from collections.abc import Sequence
from pathlib import Path

from beseda.core.errors import BesedaError, PhotoTooLargeError, RemoteError, ToolError
from beseda.images.base import Enhanced, EnhanceOptions, Enhancer, PhotoHealth

_log = logging.getLogger(__name__)


class FailoverEnhancer:
    """An `Enhancer` made of others, the preferred one first; at least one. Its results name the one that worked."""

    def __init__(self, enhancers: Sequence[Enhancer]) -> None:
        if not enhancers:
            raise ValueError("a failover needs at least one enhancer")
        self._enhancers = tuple(enhancers)

    @property
    def name(self) -> str:
        """The names in order, as settings write such a list."""
        return ",".join(enhancer.name for enhancer in self._enhancers)

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Return the first result that can be had.

        If none can, raises the first error after which trying again makes sense, else the last one.
        """
        failures: list[BesedaError] = []
        for enhancer in self._enhancers:
            try:
                return await enhancer.enhance(source, target, options)
            # Another back-end may take larger photos.
            except (RemoteError, ToolError, PhotoTooLargeError) as error:
                failures.append(error)
                _log.warning("%s did not enhance a photo: %s", enhancer.name, error)
        raise next((failure for failure in failures if failure.retryable), failures[-1])

    async def check(self) -> PhotoHealth:
        """Return whether any of them would work, with the details of each."""
        healths = [await enhancer.check() for enhancer in self._enhancers]
        return PhotoHealth(ok=any(health.ok for health in healths), detail="; ".join(h.detail for h in healths))

    async def close(self) -> None:
        """Close every one of them."""
        for enhancer in self._enhancers:
            await enhancer.close()
