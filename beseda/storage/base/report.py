"""Reports and what they list, as services see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.analytics import Period
from beseda.domain.report import ConversationRow, CostRow, LeadRow, NewReport, Report

Place = tuple[datetime, int]


class ReportStore(Protocol):
    """The table of reports, and lists for them in pages. Every method raises StorageError."""

    async def add(self, new: NewReport) -> Report:
        """Store a report that waits to be built."""
        ...

    async def find(self, report_id: int) -> Report | None:
        """Return a report, or None."""
        ...

    async def page(self, *, limit: int, offset: int = 0, before: int | None = None) -> list[Report]:
        """Return reports, the last one asked for first; with `before` those with a lower number."""
        ...

    async def count(self) -> int:
        """Return how many there are."""
        ...

    async def update(self, report: Report) -> bool:
        """Keep state, reason, size and end of a report; False where it is gone."""
        ...

    async def delete(self, report_id: int) -> bool:
        """Delete a report; False where there is none."""
        ...

    async def older_than(self, moment: datetime, *, unfinished: bool = False, limit: int = 500) -> list[Report]:
        """Return reports that were asked for before then, or those of them that nobody has finished, in order."""
        ...

    async def leads(self, period: Period, *, after: Place | None = None, limit: int = 500) -> Sequence[LeadRow]:
        """Return leads that came in the period, from behind `after` on."""
        ...

    async def conversations(
        self, period: Period, *, after: Place | None = None, limit: int = 500
    ) -> Sequence[ConversationRow]:
        """Return conversations that began in the period, from behind `after` on."""
        ...

    async def costs(self, day: Period) -> Sequence[CostRow]:
        """Return what models were asked in a period, which lies within one day."""
        ...
