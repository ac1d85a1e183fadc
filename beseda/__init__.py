"""Beseda: a self-hosted platform for AI bots on Telegram that loses nothing."""

__version__ = "0.1.0"
