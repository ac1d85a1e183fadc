"""What a model says around an object, and what does not fit its form."""

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from beseda.llm.structured import Form, Whole, is_strict, read_form, write_schema

INNER = {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"], "additionalProperties": False}
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["a", "b"]}, "list": {"type": "array", "items": INNER}},
    "required": ["kind"],
}


class Inner(Form):
    n: float


class Answer(Form):
    """A form, some of whose fields may be missing."""

    kind: Literal["a", "b"]
    parts: list[Inner] = Field(default_factory=list)
    maybe: str | None = None
    sure: float = Field(default=0, ge=0, le=1)
    flag: bool | None = None
    count: Whole = 0
    title: str = ""


class Strict(Form):
    """A form as servers take it."""

    title: Literal["only"]
    parts: list[Inner] = Field(json_schema_extra={"maxItems": 2})
    maybe: str | None
    count: Whole


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "a"},
        {"kind": "a", "parts": [{"n": 1}, {"n": 2.5}], "maybe": None, "sure": 1, "flag": True, "more": 1, "count": 2.0},
    ],
)
def test_object_that_fits_is_read(value: dict[str, object]) -> None:
    found, fault = read_form(json.dumps(value), Answer)
    assert fault == ""
    assert found == Answer.model_validate({name: field for name, field in value.items() if name != "more"})


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, "answer.kind: Field required"),
        ([], "no JSON object in the answer"),
        ({"kind": "c"}, "answer.kind: Input should be 'a' or 'b'"),
        ({"kind": "a", "parts": [{"n": 1}, {}]}, "answer.parts[1].n: Field required"),
        ({"kind": "a", "parts": [{"n": True}]}, "answer.parts[0].n: Input should be a valid number"),
        ({"kind": "a", "maybe": 1}, "answer.maybe: Input should be a valid string"),
        ({"kind": "a", "sure": 1.5}, "answer.sure: Input should be less than or equal to 1"),
        ({"kind": "a", "sure": -0.1}, "answer.sure: Input should be greater than or equal to 0"),
        ({"kind": "a", "sure": float("nan")}, "answer.sure: Input should be a valid number"),
        ({"kind": "a", "sure": 1e999}, "answer.sure: Input should be a valid number"),
        ({"kind": "a", "flag": 0}, "answer.flag: Input should be a valid boolean"),
        ({"kind": "a", "count": 2.5}, "answer.count: Input should be a valid integer"),
        ({"kind": "a", "count": "5"}, "answer.count: Input should be a valid integer"),
        ({"kind": "a", "count": True}, "answer.count: Input should be a valid integer"),
    ],
)
def test_fault_is_named_with_its_place(value: object, fault: str) -> None:
    assert read_form(json.dumps(value), Answer) == (None, fault)


def test_number_beyond_all_others_is_a_fault() -> None:
    assert read_form('{"kind": "a", "sure": 1e999}', Answer)[1] == "answer.sure: Input should be a valid number"


def test_fault_does_not_repeat_the_value() -> None:
    for value in ({"kind": "secret"}, {"kind": "a", "maybe": ["secret"]}, {"kind": "a", "sure": "secret"}):
        assert "secret" not in read_form(json.dumps(value), Answer)[1]


def test_schema_holds_no_reference_and_no_title_but_the_field_of_that_name() -> None:
    assert write_schema(Strict) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["title", "parts", "maybe", "count"],
        "properties": {
            "title": {"type": "string", "enum": ["only"]},
            "parts": {"type": "array", "items": INNER, "maxItems": 2},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "count": {"type": "integer"},
        },
    }
    assert is_strict(write_schema(Strict))


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    found, fault = read_form(text, Answer)
    assert bool(fault) or (found is not None and found.kind in {"a", "b"})


@pytest.mark.parametrize("text", ["{" * 100_000, "[" * 100_000, '{"a":' * 50_000])
def test_deep_nonsense_is_no_object(text: str) -> None:
    assert read_form(text, Answer) == (None, "no JSON object in the answer")


def test_strict_schema_is_the_one_servers_accept() -> None:
    assert is_strict(INNER)
    assert not is_strict(SCHEMA)
    assert not is_strict({**INNER, "properties": {"n": SCHEMA}})
    assert is_strict({**INNER, "properties": {"n": {"type": "array", "items": INNER}}})


@pytest.mark.parametrize(
    "said",
    [
        '<think>A draft: {"kind": "a"}. No.</think>{"kind": "b"}',
        '[THINK]{"kind": "a"}[/THINK]\n```json\n{"kind": "b"}\n```',
        'First {"kind": "a"}, no.\n</think>\n{"kind": "b"}',
        '<|channel|>analysis<|message|>{"kind": "a"}<|end|><|channel|>final<|message|>{"kind": "b"}',
    ],
)
def test_draft_within_a_thought_is_not_taken(said: str) -> None:
    assert read_form(said, Answer) == (Answer(kind="b"), "")


def test_draft_within_a_thought_that_has_no_end_is_no_answer() -> None:
    assert read_form('<think>{"kind": "a"}', Answer) == (None, "no JSON object in the answer")


def test_invalid_numbers_and_halves_of_characters_are_read() -> None:
    found, _ = read_form(r'{"kind": "a", "maybe": NaN, "title": "\ud83d"}', Answer)
    assert found == Answer(kind="a", maybe=None, title="\ufffd")
