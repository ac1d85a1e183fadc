"""Reports as a use case: asked for, built by the worker, downloaded, and gone after their time.

A file is built under a temporary name and renamed when it is whole; built twice it comes out the same.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from beseda.core.background_pace import BackgroundPace
from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError, ReportNotReadyError
from beseda.core.threads import run_to_end
from beseda.engine.jobs.base import JobControl, JobQueue
from beseda.engine.jobs.model import JobRequest, derive_id
from beseda.features.reports.content import ReportContent
from beseda.features.reports.csv_file import CsvWriter, ReportWriter
from beseda.features.reports.gather import Gatherer
from beseda.features.reports.html_file import Heading, HtmlWriter
from beseda.features.reports.model import NewReport, Report, ReportFormat, ReportState
from beseda.features.reports.repository import ReportRepository
from beseda.locales import Text

log = logging.getLogger(__name__)

KIND = "report.build"
SLOT = "text"
KEPT = timedelta(days=30)
_STUCK = timedelta(days=1)
_PART = ".part"


class ReportService:
    """Asks for reports, builds them into `folder`, and keeps them for thirty days. Every method raises StorageError."""

    def __init__(self, store: ReportRepository, gatherer: Gatherer, jobs: JobQueue, folder: Path, clock: Clock) -> None:
        self._store = store
        self._gatherer = gatherer
        self._jobs = jobs
        self._folder = folder
        self._clock = clock

    def adopt(self, titles: Mapping[str, Text]) -> None:
        """Add the titles of the fields in bots' funnels."""
        self._gatherer.adopt(titles)

    async def create(self, new: NewReport) -> Report:
        """Store a report and ask the worker to build it."""
        report = await self._store.add(new)
        await self._jobs.enqueue(JobRequest(derive_id(KIND, report.id), KIND, {"report_id": report.id}, slot=SLOT))
        return report

    async def find(self, report_id: int) -> Report:
        """Return a report. Raises NotFoundError."""
        report = await self._store.find(report_id)
        if report is None:
            raise NotFoundError(f"report {report_id}")
        return report

    async def page(self, *, limit: int, offset: int = 0, before: int | None = None) -> list[Report]:
        """Return reports, the last one asked for first."""
        return await self._store.page(limit=limit, offset=offset, before=before)

    async def count(self) -> int:
        """Return how many reports there are."""
        return await self._store.count()

    async def open_path(self, report: Report) -> Path:
        """Return the path of a report's file.

        Raises ReportNotReadyError if the report is not ready, NotFoundError if the file no longer exists.
        """
        if report.state is not ReportState.READY:
            raise ReportNotReadyError(f"report {report.id} is {report.state}")
        path = self._folder / report.file_name
        if not await asyncio.to_thread(path.is_file):
            raise NotFoundError(f"the file of report {report.id}")
        return path

    async def delete(self, report_id: int) -> None:
        """Delete a report with its file; one that is being built ends without one. Raises NotFoundError."""
        report = await self.find(report_id)
        await self._jobs.cancel(derive_id(KIND, report.id))
        await self._remove(report)

    async def tidy(self) -> int:
        """Delete expired reports and return their number. Reports that were never finished are marked as failed."""
        now = self._clock.now()
        old = await self._store.older_than(now - KEPT)
        for report in old:
            await self._remove(report)
        for report in await self._store.older_than(now - _STUCK, unfinished=True):
            await self._store.update(replace(report, state=ReportState.FAILED, reason="abandoned", finished_at=now))
        return len(old)

    async def build(self, report_id: int, control: JobControl | None = None) -> Report | None:
        """Build a report's file, or return None if the report was deleted in the meantime.

        An error is stored with the report and raised again.
        """
        report = await self._store.find(report_id)
        if report is None:
            return None
        report = replace(report, state=ReportState.BUILDING, reason="", finished_at=None)
        await self._store.update(report)
        part = self._folder / f"{report.file_name}{_PART}"
        try:
            size = await self._write(report, part, control)
        except asyncio.CancelledError:
            raise  # its process ends, and another one builds it; or it is being deleted
        except Exception as error:
            failed = {"state": ReportState.FAILED, "reason": type(error).__name__, "finished_at": self._clock.now()}
            await self._store.update(replace(report, **failed))  # type: ignore[arg-type]  # each of its own kind
            raise
        finally:
            await run_to_end(partial(_drop, part))
        ready = replace(report, state=ReportState.READY, size=size, finished_at=self._clock.now())
        if not await self._store.update(ready):
            await self._remove(ready)
            return None
        return ready

    async def _write(self, report: Report, part: Path, control: JobControl | None) -> int:
        content = await self._gatherer.gather(report.new)
        writer = await run_to_end(lambda: self._open(report, part, content))
        try:
            done, pace = 0, BackgroundPace()
            for sheet in content.sheets:
                await run_to_end(partial(writer.begin, sheet))
                async for rows in sheet.rows():
                    done += len(rows)
                    if control is not None:
                        control.report(done)
                    if not await run_to_end(partial(writer.add, rows)):
                        break
                    await pace.pause()
                if report.new.format is ReportFormat.CSV:
                    break
            await run_to_end(writer.finish)
        finally:
            await run_to_end(writer.close)
        return await run_to_end(lambda: _keep(part, self._folder / report.file_name))

    def _open(self, report: Report, part: Path, content: ReportContent) -> ReportWriter:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        language = report.new.language
        if report.new.format is ReportFormat.HTML:
            return HtmlWriter(part, content, language, Heading(report.new.period, self._clock.now()))
        if report.new.format is ReportFormat.CSV:
            return CsvWriter(part, content, language)
        # Loaded with the first workbook: the library takes 0.1 s of CPU.
        from beseda.features.reports.xlsx_file import XlsxWriter  # noqa: PLC0415

        return XlsxWriter(part, content, language)

    async def _remove(self, report: Report) -> None:
        await run_to_end(lambda: (self._folder / report.file_name).unlink(missing_ok=True))
        await self._store.delete(report.id)


def _drop(part: Path) -> None:
    """Delete an unfinished file. An OSError is ignored, so that it does not hide the original error."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


def _keep(part: Path, path: Path) -> int:
    """Put a whole file in its place, for its owner's eyes only, and return its size."""
    part.chmod(0o600)
    size = part.stat().st_size
    part.replace(path)
    return size
