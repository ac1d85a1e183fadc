"""Texts and entity lists as TDLib settles them: 10,000 stored ones, and the cases of TDLib's own tests.

The expected values of `texts.json.gz` were written once by scripts/generate_telegram_texts.py; they are compared with
the library that is installed as well, so that a change in Telegram's own code is noticed.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from botapi_sandbox.entities import show_entities
from botapi_sandbox.entity_parser import EntityParser
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from scripts import generate_telegram_texts as generator

SAMPLES = Path(__file__).parents[2] / "samples" / "telegram"
CASES = json.loads((SAMPLES / "tdlib_cases.json").read_text(encoding="utf-8"))["cases"]

Row = dict[str, Any]


def find_nobody(user_id: int) -> None:
    """No text here mentions a person."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    lines = gzip.decompress((SAMPLES / "texts.json.gz").read_bytes()).decode().split("\n")
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def judge() -> EntityParser:
    return EntityParser(find_nobody)


def to_bot_api(entities: list[Row]) -> list[Row]:
    """Entities of TDLib in the form that a bot gives them."""
    return show_entities(entities, find_nobody)


def settle(judge: EntityParser, row: Row) -> list[Any] | str:
    """What the sandbox makes of a row, in the form of its expected value."""
    try:
        text = judge.format(row["text"], row.get("mode", ""), to_bot_api(row.get("entities", [])))
    except ApiRefusalError as refusal:
        return refusal.description
    return [text.text, text.entities]


def expect(row: Row) -> list[Any] | str:
    if isinstance(row["expected"], str):
        return bad_request(row["expected"]).description
    text, entities = row["expected"]
    return [text, to_bot_api([to_tdlib(*entity) for entity in entities])]


def to_tdlib(name: str, offset: int, length: int, *detail: str) -> Row:
    field = "language" if name == "PreCode" else "url"
    kind = {"@type": f"textEntityType{name}", **({field: detail[0]} if detail else {})}
    return {"offset": offset, "length": length, "type": kind}


def test_ten_thousand_texts_are_settled_as_stored(judge: EntityParser, rows: list[Row]) -> None:
    assert len(rows) == generator.COUNT
    assert [row for row in rows if settle(judge, row) != expect(row)] == []


def test_the_stored_values_are_those_of_the_installed_library(rows: list[Row]) -> None:
    inputs = [{name: value for name, value in row.items() if name != "expected"} for row in rows]
    assert inputs == generator.make_rows()
    assert [row for row, given in zip(rows, inputs, strict=True) if generator.judge(given) != row["expected"]] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"line {case['line']}")
def test_cases_of_tdlibs_own_tests(judge: EntityParser, case: Row) -> None:
    given = to_bot_api([to_tdlib(*entity) for entity in case.get("given", [])])
    if isinstance(case["expected"], str):
        with pytest.raises(ApiRefusalError) as refused:
            judge.parse(case["text"], case.get("mode", ""), given)
        assert refused.value.description.endswith(case["expected"])
        return
    text, entities = case["expected"]
    if "mode" in case:
        parsed = judge.parse(case["text"], case["mode"], None)
        shown = [generator.show(entity)[:3] for entity in parsed.entities]
        assert [parsed.text, shown] == [text, entities]
    else:
        settled = judge.format(case["text"], "", given)
        assert [settled.text, settled.entities] == [text, to_bot_api([to_tdlib(*entity) for entity in entities])]
