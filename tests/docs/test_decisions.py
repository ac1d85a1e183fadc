"""Decision records: numbered without gaps, complete, listed (0001)."""

import re
from pathlib import Path

import pytest

from scripts.source import ROOT

RECORDS = sorted((ROOT / "docs/decisions").glob("0*.md"))
SECTIONS = ["Context", "Decision", "Consequence", "Alternatives", "Enforced by"]


def test_numbers_have_no_gaps() -> None:
    assert [record.name[:4] for record in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", [*RECORDS, ROOT / "docs/decisions/template.md"], ids=lambda record: record.stem)
def test_record_is_complete(record: Path) -> None:
    text = record.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_title_carries_the_number_and_stands_in_the_index(record: Path) -> None:
    title = record.read_text("utf-8").splitlines()[0].removeprefix("# ")
    assert title.startswith(f"{record.name[:4]}. ")
    assert f"- [{title}]({record.name})" in (ROOT / "docs/decisions/README.md").read_text("utf-8")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_files_that_a_record_names_exist(record: Path) -> None:
    named = re.findall(r"`((?:beseda|tests|scripts|docs)/[\w./-]+)`", record.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
