"""Fencing: a queued write is dropped if the lease that permitted it has become stale.

A cancelled caller does not withdraw its queued writes, so their lease is checked again before each attempt.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Fence: TypeAlias = Callable[[], bool]
"""Returns whether the lease holds at this moment."""

_fence: ContextVar[Fence | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """Drop the writes that are queued within the block if the fence returns False."""
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)


def current_fence() -> Fence | None:
    """Return the fence of the current block, or None."""
    return _fence.get()
