"""The command line: `beseda` and `python -m beseda`."""

from beseda.cli.app import main

__all__ = ["main"]
