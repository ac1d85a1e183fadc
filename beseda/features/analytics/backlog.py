"""Unfinished work in the database at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """Unfinished updates by bot, unfinished jobs by slot and state, unsent webhooks, and the oldest of each.

    Bots and slots without a backlog are there with zero.
    """

    updates: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    webhooks: int = 0
    oldest_update: Mapping[str, datetime] = field(default_factory=dict)
    """By bot: when the oldest unfinished update was stored."""
    oldest_job: Mapping[str, datetime] = field(default_factory=dict)
    """By slot: since when the oldest queued job could have begun."""
    oldest_webhook: datetime | None = None
    """When the oldest unsent event was written."""
    newest: datetime | None = None
    """The time in the highest identifier: in the future where a clock was ahead."""
