"""Blocking work in threads."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def run_to_end(work: Callable[[], T]) -> T:
    """Run `work` in a thread and return its result. A cancelled caller still waits for the end of the work.

    A thread cannot be stopped: a caller that continued immediately would clean up while the thread still writes.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
