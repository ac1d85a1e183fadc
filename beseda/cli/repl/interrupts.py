"""Ctrl-C ends the current operation, never the program. While no operation runs, it is a key like others."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any


class Guard:
    """One operation that Ctrl-C may end; `pressed` is true if it did."""

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.pressed = False
        self._task = task

    def press(self) -> None:
        """End the work; only once, however often the key is pressed."""
        if not self.pressed:
            self.pressed = True
            self._task.cancel()

    def absorb(self) -> bool:
        """Whether the work was ended by the key alone: a program that is ended from outside stays cancelled."""
        return self.pressed and self._task.uncancel() == 0


class Interrupts:
    """Signal handling of a chat, from `listen` to its end.

    `wake` is called for a Ctrl-C that has nothing to end. `ended_by` is the signal that ended the chat from outside.
    """

    def __init__(self) -> None:
        self._guard: Guard | None = None
        self.ended_by: int | None = None
        self.wake: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def guard(self) -> Iterator[Guard]:
        """Have Ctrl-C end the block, which is then left without an error."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a chat runs in a task
        guard = self._guard = Guard(task)
        try:
            yield guard
        except asyncio.CancelledError:
            if not guard.absorb():
                raise
        finally:
            self._guard = None

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Take Ctrl-C; have SIGTERM and a closed terminal cancel this task, which then saves."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - a chat runs in a task
        kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the program, which saves
            loop.add_signal_handler(signal.SIGINT, self._press)
            for kind in kinds:
                loop.add_signal_handler(kind, self._end, task, kind)
        try:
            yield
        finally:
            with contextlib.suppress(NotImplementedError):
                for kind in [signal.SIGINT, *kinds]:
                    loop.remove_signal_handler(kind)

    def _end(self, task: "asyncio.Task[Any]", kind: int) -> None:
        self.ended_by = kind
        task.cancel()

    def _press(self) -> None:
        if self._guard is not None:
            self._guard.press()
        else:
            self.wake()
