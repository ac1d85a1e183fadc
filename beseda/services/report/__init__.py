"""Reports: built piece by piece into a file, and kept for a while."""

from beseda.services.report.service import ReportService

__all__ = ["ReportService"]
