"""Versions of things that several people change: a change may name the ones that it was made for."""

from collections.abc import Set
from typing import TypeAlias

Versions: TypeAlias = Set[int] | None
"""The versions that a change is meant for; None where any will do."""
