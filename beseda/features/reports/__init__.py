"""Reports: built piece by piece into a file, and kept for a while."""

from beseda.features.reports.service import ReportService

__all__ = ["ReportService"]
