"""Ending tasks for good."""

import asyncio
from collections.abc import Collection
from typing import Any

_AGAIN = 3.0  # seconds: longer than any task of ours takes to tidy up


async def end_tasks(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel tasks until each has ended; what they raise is dropped.

    Once is not always enough: what a library waits for by `asyncio.wait_for` may come at the moment of a cancellation,
    which Python before 3.12 then forgets (https://github.com/python/cpython/issues/86296).
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=_AGAIN)
        for task in done:
            if not task.cancelled():
                task.exception()
