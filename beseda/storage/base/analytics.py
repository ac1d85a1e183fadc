"""Figures, as services see them: measured from the raw rows, rolled up by the hour, summed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.analytics import FunnelDay, HourFigures, LeadFigures, Metric, Period, SeriesStep
from beseda.domain.backlog import Backlog

# What is rolled up, each as far as it has come.
HOURS, CONVERSATIONS = "hours", "conversations"


class AnalyticsStore(Protocol):
    """Raw figures and rolled-up ones. Every method raises StorageError if the database does not answer.

    A turn with its messages and calls belongs to the hour in which it began.
    """

    async def measure(self, period: Period, *, times_only: bool = False) -> list[HourFigures]:
        """Compute figures from the raw rows, all of them or response times only: exact, but slow for a long period."""
        ...

    async def sum_up(self, period: Period) -> HourFigures:
        """Add up rolled-up hours; the period begins and ends with an hour."""
        ...

    async def list_steps(self, period: Period, step: SeriesStep, *, times_only: bool = False) -> list[HourFigures]:
        """Add up rolled-up hours by hour or day, all bots of the period together; weeks are returned as days.

        With `times_only` the result contains only response times; without it, everything except response times.
        """
        ...

    async def count_active_users(self, period: Period, rolled_until: datetime | None) -> int:
        """Count distinct active people: from rolled-up days as far as these exist, and from the turns for the rest."""
        ...

    async def count_users_by_step(self, period: Period, step: SeriesStep) -> Mapping[datetime, int]:
        """Count distinct people by day or week, from rolled-up days."""
        ...

    async def measure_leads(self, period: Period) -> LeadFigures:
        """Count the leads created in the period."""
        ...

    async def count_leads_by_step(self, period: Period, step: SeriesStep, metric: Metric) -> Mapping[datetime, int]:
        """Count leads by the time of their creation: all, or only the won ones."""
        ...

    async def sum_funnel(self, period: Period, rolled_until: datetime | None) -> list[FunnelDay]:
        """Add up the funnel over the days that the period touches; the day of each row is the first of them."""
        ...

    async def read_backlog(self) -> Backlog:
        """Return the pending work. Partial indexes make the cost proportional to the size of the backlog."""
        ...

    async def find_rolled_until(self, name: str = HOURS) -> datetime | None:
        """Return the moment up to which everything is rolled up, or None if nothing is."""
        ...

    async def find_first_moment(self) -> datetime | None:
        """Return the time of the first conversation or flood wait, or None if there are none."""
        ...

    async def store_hours(self, period: Period, hours: Sequence[HourFigures]) -> None:
        """Replace the rolled-up hours of the period by these."""
        ...

    async def roll_up_users(self, days: Sequence[Period]) -> None:
        """Record the active people of each of these periods. Each period lies within one day."""
        ...

    async def roll_up_funnel(self, period: Period) -> None:
        """Replace the rolled-up funnel of the period's day by the funnel of the period."""
        ...

    async def roll_up_conversations(self, period: Period, after: int = 0) -> int | None:
        """Refresh the figures of a batch of conversations with messages in the period, starting behind the id `after`.

        Return the id to continue after, or None at the end.
        """
        ...

    async def mark_rolled(self, until: datetime, name: str = HOURS) -> None:
        """Record that everything before `until` is rolled up. A later recorded time is kept."""
        ...
