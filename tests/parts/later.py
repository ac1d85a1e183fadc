"""Modules that load slowly, imported by the first test that uses them and not by each process that collects tests."""

from importlib import import_module
from typing import Any


class LateModule:
    """Stands for a module and imports it when one of its names is used.

    if TYPE_CHECKING:
        import openai
    else:
        openai = LateModule("openai")
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # pytest looks for marks and wrappers of its own on each name of a test module.
        if attribute.startswith(("_", "pytest")):
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)
