"""Finding modes by name: a file of a bot's own folder first, then one of those that come with the program."""

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from beseda.core.errors import SettingsError
from beseda.engine.modes import Mode

BUNDLED = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NO_MODES = {"__init__", "registry"}


def list_modes() -> list[str]:
    """Return the names of the modes that come with the program."""
    names = {path.stem for path in BUNDLED.glob("*.py")} - _NO_MODES
    return sorted(name for name in names if not name.startswith("_"))


def find_mode(name: str, folder: Path) -> Mode:
    """Return a mode of the bot in `folder`. Raises SettingsError naming the modes there are."""
    own = folder / "modes" / f"{name}.py"
    if _NAME.fullmatch(name) and own.is_file():
        return _mode_of(_import_file(f"beseda_mode_{folder.name.replace('-', '_')}_{name}", own), own)
    if name not in list_modes():
        raise SettingsError(f"{folder / 'bot.yaml'}: there is no mode {name!r}: there are {', '.join(list_modes())}")
    return _mode_of(importlib.import_module(f"beseda.modes.{name}"), BUNDLED / f"{name}.py")


def _mode_of(module: ModuleType, path: Path) -> Mode:
    mode = getattr(module, "mode", None)
    if not isinstance(mode, Mode):
        raise SettingsError(f"{path}: must define `mode = Mode(...)` (beseda.engine.context)")
    return mode


def _import_file(name: str, path: Path) -> ModuleType:
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{path} cannot be imported")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise SettingsError(f"{path} cannot be imported: {error!r}") from error
    return module
