"""Reports over HTTP: asked for, built by a job, opened by the programs they are made for."""

import csv
import io
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from beseda.app_tasks import register_tasks
from beseda.engine.jobs.model import JobState, derive_id
from beseda.features.leads.model import Finding, NewLead
from beseda.features.sales.repository import SalesRepository
from tests.parts.api_server import ANNA, ApiServer, serve_app_api

REPORTS = "/api/v1/analytics/reports"
EVIL = '=HYPERLINK("http://evil.example","x")'
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
async def working(api: ApiServer) -> ApiServer:
    """The API beside a process that does its jobs."""
    register_tasks(api.app)
    return api


async def fill(api: ApiServer) -> None:
    await api.talk("sales", said=[("Привет", "Здравствуйте!")])
    lead = (await api.app.features.leads.open(NewLead("sales", ANNA.id, name=EVIL, stage=MARKUP))).lead
    await api.call("PUT", f"/api/v1/leads/{lead.id}", json={"owner": "@SUM(A1)", "notes": "-2+3\tи ещё"})


async def build(api: ApiServer, **asked: str) -> tuple[dict[str, Any], bytes]:
    """Ask for a report and return it with its file."""
    answer = await api.call("POST", REPORTS, json=asked)
    assert (answer.status, answer.json["state"]) == (202, "queued")
    job = await api.app.engine.jobs.wait(derive_id("report.build", answer.json["id"]))
    assert job.state is JobState.DONE, job.reason
    report = (await api.get(answer.headers["Location"])).json
    file = await api.get(f"{REPORTS}/{report['id']}/download")
    assert (file.status, report["state"], report["size"]) == (200, "ready", len(file.body))
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert report["file_name"] in file.headers["Content-Disposition"]
    return report, file.body


class Page(HTMLParser):
    """What a browser would see: tags, words, and addresses it would load from."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


async def test_csv_holds_the_list_and_no_formulas(working: ApiServer) -> None:
    await fill(working)
    _, content = await build(working, kind="leads", format="csv", language="ru")
    assert content.startswith(b"\xef\xbb\xbf")
    [head, row] = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    found = dict(zip(head, row, strict=True))
    assert (found["Имя"], found["Ответственный"], found["Заметки"]) == (f"'{EVIL}", "'@SUM(A1)", "'-2+3\tи ещё")
    assert (found["Бот"], found["Статус"], found["Telegram"]) == ("sales", "в работе", str(ANNA.id))


async def test_leads_report_holds_all_facts_of_each(working: ApiServer, tmp_path: Path) -> None:
    async with serve_app_api(tmp_path, working.app, ("sales",)) as server:
        said = "У нас 12 человек, бюджет 500 тысяч"
        conversation = await server.talk("sales", said=[(said, "Хорошо")])
        lead = (await server.app.features.leads.open(NewLead("sales", ANNA.id, name="Анна"))).lead
        [line] = [
            line
            for line in await SalesRepository(server.app.engine.database).lines(conversation, 5)
            if said in line.text
        ]
        findings = [
            Finding("budget", "500 тысяч", 0.9, line.message_id, "бюджет 500 тысяч"),
            Finding("headcount", "12", 0.9, line.message_id, "12 человек"),
        ]
        await server.app.features.leads.fill(lead.id, findings)
        await server.app.features.leads.open(NewLead("sales", None, contact="+7 999 123-45-67"))
        _, file = await build(server, kind="leads", format="csv", language="ru")
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    row = next(row for row in rows if row["Имя"] == "Анна")
    budget = next(name for name in row if "юджет" in name)
    assert row[budget] == "500 тысяч («бюджет 500 тысяч»)"
    assert row["Другие поля"] == "headcount: 12 («12 человек»)"
    assert [row["Telegram"] for row in rows if row["Имя"] != "Анна"] == [""]


async def test_xlsx_has_typed_cells_charts_and_no_formulas(working: ApiServer) -> None:
    await fill(working)
    _, content = await build(working, kind="leads", format="xlsx", language="en", bot="sales")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Figures", "Leads"]
    sheet = book["Leads"]
    head, row = sheet.iter_rows()
    cells = {str(title.value): cell for title, cell in zip(head, row, strict=True)}
    assert sheet.freeze_panes == "A2"
    assert (cells["Name"].value, cells["Name"].data_type) == (EVIL, "s")
    assert (cells["Created"].data_type, cells["No."].data_type) == ("d", "n")
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet2.xml")
    assert len(book["Figures"]._charts) >= 2


@pytest.mark.parametrize("kind", ["overview", "leads", "conversations", "costs"])
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_page_needs_nothing_and_runs_nothing(working: ApiServer, kind: str, language: str) -> None:
    await fill(working)
    _, content = await build(working, kind=kind, format="html", language=language)
    page = Page(content.decode())
    assert ("svg" in page.tags) == (kind != "costs")  # nobody asked a model for anything
    assert {"script", "iframe", "link", "img", "object"} & set(page.tags) == set()
    assert page.loads == []
    assert "b" in page.tags
    if kind == "leads":
        assert MARKUP in "".join(page.words)


@pytest.mark.parametrize("kind", ["overview", "leads", "conversations", "costs"])
@pytest.mark.parametrize("format", ["csv", "xlsx", "html"])
async def test_report_about_nothing_is_a_report(working: ApiServer, kind: str, format: str) -> None:  # noqa: A002
    _, content = await build(working, kind=kind, format=format)
    assert content


@pytest.mark.parametrize("kind", ["overview", "leads", "conversations", "costs"])
async def test_report_about_a_hundred_years_is_a_report(working: ApiServer, kind: str) -> None:
    await fill(working)
    asked = {"from": "1970-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z"}
    report, content = await build(working, kind=kind, format="html", **asked)
    assert (report["from"], report["to"]) == ("2015-01-01T00:00:00Z", "2090-01-01T00:00:00Z")
    assert b"<svg" in content or kind == "costs"


async def test_download_before_it_is_ready_is_a_conflict(api: ApiServer) -> None:
    report = (await api.call("POST", REPORTS, json={"kind": "overview"})).json
    answer = await api.get(f"{REPORTS}/{report['id']}/download")
    assert (answer.status, answer.json["code"]) == (409, "report_not_ready")


async def test_deleted_report_is_gone_with_its_file(working: ApiServer) -> None:
    report, _ = await build(working, kind="overview", format="csv")
    folder = working.app.settings.storage_dir / "reports"
    assert [path.name for path in folder.iterdir()] == [f"{report['id']}.csv"]
    assert (await working.call("DELETE", f"{REPORTS}/{report['id']}")).status == 204
    assert list(folder.iterdir()) == []
    assert (await working.get(f"{REPORTS}/{report['id']}")).status == 404
    assert (await working.call("DELETE", f"{REPORTS}/{report['id']}")).status == 404


async def test_reports_are_listed_newest_first(api: ApiServer) -> None:
    for kind in ("overview", "leads", "costs"):
        await api.call("POST", REPORTS, json={"kind": kind})
    first = (await api.get(REPORTS, params={"limit": 2})).json
    assert [item["kind"] for item in first["items"]] == ["costs", "leads"]
    rest = (await api.get(REPORTS, params={"limit": 2, "cursor": first["next_cursor"]})).json
    assert ([item["kind"] for item in rest["items"]], rest["total"]) == (["overview"], 3)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"kind": "secrets"},
        {"kind": "leads", "format": "exe"},
        {"kind": "leads", "bot": "../../etc"},
        {"kind": "leads", "file": "/etc/passwd"},
        {"kind": "leads", "from": "2026-11-20T00:00:00Z", "to": "2026-11-19T00:00:00Z"},
        {"kind": "leads", "from": "9999-12-31T23:59:59Z"},
    ],
)
async def test_senseless_request_is_refused(api: ApiServer, asked: dict[str, str]) -> None:
    assert (await api.call("POST", REPORTS, json=asked)).status == 422


async def test_reading_key_may_not_ask_for_reports(api: ApiServer) -> None:
    assert (await api.call("POST", REPORTS, json={"kind": "leads"}, scope="read")).status == 403
    assert (await api.call("GET", REPORTS, scope="")).status == 401
