"""Reliable cancellation of tasks."""

import asyncio
from collections.abc import Collection
from typing import Any

_AGAIN = 3.0  # seconds: longer than any task of ours takes to tidy up


async def end_tasks(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel tasks until each has ended; their errors are dropped.

    One cancellation is not always enough: if the result awaited by a library's `asyncio.wait_for` arrives at the moment
    of a cancellation, Python before 3.12 loses the cancellation (https://github.com/python/cpython/issues/86296).
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=_AGAIN)
        for task in done:
            if not task.cancelled():
                task.exception()
