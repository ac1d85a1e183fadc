"""A temporary folder for the work on one photo, deleted when the photo is done, also after an error."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from beseda.core.errors import ToolError


@asynccontextmanager
async def open_workbench(parent: Path | None) -> AsyncGenerator[Path, None]:
    """Yield a new folder below `parent` (None: the system's temporary folder), private to this user.

    Raise `ToolError` if it cannot be made.
    """
    try:
        folder = await asyncio.to_thread(_make, parent)
    except OSError as error:
        raise ToolError(f"there is no room to work in {parent}: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        # In a thread that goes on when this task is cancelled.
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def _make(parent: Path | None) -> Path:
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    # Absolute: Docker takes a relative one for the name of a volume.
    return Path(tempfile.mkdtemp(prefix="photo-", dir=parent)).absolute()
