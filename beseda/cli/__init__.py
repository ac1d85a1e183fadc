"""The command line: `beseda` and `python -m beseda`."""

import gc
import sys

# Modules are objects that stay: to look for garbage after every 700 new ones, Python's default, is a tenth of a start.
_NEW_OBJECTS = 50_000


def main() -> None:
    """Run the command line and end the process."""
    gc.set_threshold(_NEW_OBJECTS, 20, 20)
    try:
        from beseda.cli.app import main as run
    except KeyboardInterrupt:  # while modules are loaded
        sys.exit(130)
    run()
