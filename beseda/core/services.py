"""Services by their type: an application adds each once, and functions receive those that their parameters name."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Services:
    """Services of a process or of one bot. A bot's services fall back to those of the process, its `parent`."""

    def __init__(self, parent: "Services | None" = None) -> None:
        self._parent = parent
        self._found: dict[object, object] = {}

    def add(self, service: T, *kinds: object) -> T:
        """Add a service under its class, or under `kinds`, such as the protocols that it implements, and return it.

        Raises ValueError if a service of that kind has been added.
        """
        for kind in kinds or (type(service),):
            if kind in self._found:
                raise ValueError(f"{kind} has been added already")
            self._found[kind] = service
        return service

    def get(self, kind: type[T]) -> T:
        """Return the service of this kind. Raises LookupError if there is none."""
        if kind in self._found:
            return typing.cast("T", self._found[kind])
        if self._parent is None:
            raise LookupError(f"no service of {kind} has been added")
        return self._parent.get(kind)

    def bind(self, function: Callable[..., R], *, first: int = 1) -> Callable[..., R]:
        """Return `function` with its parameters after the `first` ones filled in by the types of their annotations.

        A function without further parameters is returned as it is. Raises LookupError if a service is missing, so that
        a wrong annotation shows at the start and not at the first message.
        """
        names = list(inspect.signature(function).parameters)[first:]
        if not names:
            return function
        hints = typing.get_type_hints(function)
        filled: dict[str, Any] = {name: self.get(hints[name]) for name in names}
        return functools.partial(function, **filled)
