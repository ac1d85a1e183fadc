"""Waiting for a condition, under the name that the tests here use."""

from beseda.testing.waiting import eventually

__all__ = ["eventually"]
