"""The service of reports."""

from beseda.app.repositories import Repositories
from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.engine.jobs.base import JobQueue
from beseda.features.analytics.service import AnalyticsService
from beseda.features.reports import ReportService
from beseda.features.reports.gather import Gatherer
from beseda.features.reports.service import ReportParts


def build_reports(settings: Settings, record: Repositories, jobs: JobQueue, clock: Clock) -> ReportService:
    """Return the service of reports; their files are in a folder of their own."""
    gatherer = Gatherer(record.reports, AnalyticsService(record.analytics, clock), clock)
    return ReportService(ReportParts(record.reports, gatherer, jobs, settings.storage_dir / "reports", clock))
