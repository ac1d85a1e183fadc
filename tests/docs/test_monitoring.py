"""The dashboard and the page about monitoring name metrics that exist, and the page names all of them."""

import re

from prometheus_client.parser import text_string_to_metric_families

from beseda.api.monitoring import Installation, write_metrics
from beseda.features.analytics.backlog import Backlog
from scripts.source import ROOT

DASHBOARD = (ROOT / "deploy/grafana/beseda.json").read_text("utf-8")
PAGE = (ROOT / "docs/how-to/monitoring.md").read_text("utf-8")
_NAME = re.compile(r"\bbeseda_[a-z_]+\b")
_SUFFIXES = re.compile(r"_(total|bucket|sum|count)$")


def known() -> set[str]:
    """Return the names of all metrics of ours without the endings that Prometheus adds."""
    everything = Installation({"database": True}, Backlog({"a": 0}, {("text", "queued"): 0}), (), 0)
    page, _ = write_metrics(everything)
    shown = {family.name for family in text_string_to_metric_families(page.decode())}
    return {name for name in shown if name.startswith("beseda_")}


def named(text: str) -> set[str]:
    return {_SUFFIXES.sub("", name) for name in _NAME.findall(text)}


def test_dashboard_shows_metrics_that_exist() -> None:
    assert named(DASHBOARD) - known() == set()
    assert len(named(DASHBOARD)) >= 15


def test_page_names_all_metrics_and_no_other() -> None:
    assert named(PAGE) == known()
