"""An installed package carries its migrations; in a checkout they lie beside it."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MigrationsHook(BuildHookInterface[Any]):
    """Put `migrations/` into the wheel, but not beside an editable install, which finds the checkout's own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"]["migrations"] = "beseda/migrations"
