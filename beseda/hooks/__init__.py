"""Telling others' servers of events."""
