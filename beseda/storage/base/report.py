"""Reports and their rows, as services see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.analytics import Period
from beseda.domain.report import ConversationRow, CostRow, LeadRow, NewReport, Report

Place = tuple[datetime, int]


class ReportStore(Protocol):
    """The table of reports, and their rows in pages. Every method raises StorageError."""

    async def add(self, new: NewReport) -> Report:
        """Store a report that is to be built."""
        ...

    async def find(self, report_id: int) -> Report | None:
        """Return a report, or None."""
        ...

    async def page(self, *, limit: int, offset: int = 0, before: int | None = None) -> list[Report]:
        """Return reports, newest first; with `before`, those with a lower number."""
        ...

    async def count(self) -> int:
        """Return the number of reports."""
        ...

    async def update(self, report: Report) -> bool:
        """Store state, reason, size and end of a report. Return False if the report no longer exists."""
        ...

    async def delete(self, report_id: int) -> bool:
        """Delete a report. Return False if it does not exist."""
        ...

    async def older_than(self, moment: datetime, *, unfinished: bool = False, limit: int = 500) -> list[Report]:
        """Return reports requested before then, in order; with `unfinished` only those that are not finished."""
        ...

    async def leads(self, period: Period, *, after: Place | None = None, limit: int = 500) -> Sequence[LeadRow]:
        """Return leads created in the period, starting behind `after`."""
        ...

    async def conversations(
        self, period: Period, *, after: Place | None = None, limit: int = 500
    ) -> Sequence[ConversationRow]:
        """Return conversations that began in the period, starting behind `after`."""
        ...

    async def costs(self, day: Period) -> Sequence[CostRow]:
        """Return the usage and cost of models in a period that lies within one day."""
        ...
