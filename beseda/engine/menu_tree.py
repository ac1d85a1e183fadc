"""The menu of a bot: buttons that open menus, switch to modes or run commands."""

from collections.abc import Sequence
from dataclasses import dataclass

from beseda.locales import Text


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One button. It has exactly one of: `items` (a menu below it), a `mode`, a `command`; a mode brings its label."""

    label: Text | None = None
    items: Sequence["MenuItem"] = ()
    mode: str = ""
    command: str = ""
