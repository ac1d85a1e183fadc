"""`python -m beseda`."""

from beseda.cli import main

main()
