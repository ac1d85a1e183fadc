"""Several enhancers, tried one after another until one works."""

from pathlib import Path

from beseda.core.errors import PhotoTooLargeError, RemoteError, ToolError
from beseda.core.failover import Failover
from beseda.images.base import Enhanced, EnhanceOptions, Enhancer


class FailoverEnhancer(Failover[Enhancer]):
    """An `Enhancer` made of others. Its results name the one that worked."""

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Return the first result that can be had. Another back-end may take larger photos."""
        faults = (RemoteError, ToolError, PhotoTooLargeError)
        return await self.try_each(lambda member: member.enhance(source, target, options), faults)
