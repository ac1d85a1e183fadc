"""Fencing: a write that waits for the database is dropped once the lease that allowed it is stale.

A caller that is cancelled does not take back what it has queued, so that its lease is checked again before each try.
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
    """Have the writes that are queued within the block dropped where the fence returns False."""
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)


def current_fence() -> Fence | None:
    """Return the fence of the block that runs, if any."""
    return _fence.get()
