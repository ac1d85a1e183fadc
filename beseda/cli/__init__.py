"""The command line: `beseda` and `python -m beseda`."""

import sys


def main() -> None:
    """Run the command line and end the process."""
    try:
        from beseda.cli.app import main as run
    except KeyboardInterrupt:  # while modules are loaded
        sys.exit(130)
    run()
