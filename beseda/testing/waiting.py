"""Waiting for something to come true."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], Awaitable[object]], *, within: float = 30.0) -> None:
    """Return once `condition` is true; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - the condition may live in another process
            await asyncio.sleep(0.01)
