"""What a model says around an object, and what does not fit its schema."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.domain.structured import find_fault, is_strict, read_object

INNER = {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"], "additionalProperties": False}
SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["a", "b"]},
        "list": {"type": "array", "items": INNER},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "sure": {"type": "number", "minimum": 0, "maximum": 1},
        "flag": {"type": ["boolean", "null"]},
    },
    "required": ["kind"],
}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"kind": "a"}, ""),
        ({"kind": "a", "list": [{"n": 1}, {"n": 2.5}], "maybe": None, "sure": 1, "flag": True, "more": 1}, ""),
        ({}, "answer.kind is missing"),
        ([], "answer must be of type object"),
        ({"kind": "c"}, "answer.kind must be one of a, b"),
        ({"kind": "a", "list": [{"n": 1}, {}]}, "answer.list[1].n is missing"),
        ({"kind": "a", "list": [{"n": True}]}, "answer.list[0].n must be of type number"),
        ({"kind": "a", "maybe": 1}, "answer.maybe must be of type string"),
        ({"kind": "a", "sure": 1.5}, "answer.sure must be at most 1"),
        ({"kind": "a", "sure": float("nan")}, "answer.sure must be at least 0"),
        ({"kind": "a", "flag": 0}, "answer.flag must be of type boolean or null"),
    ],
)
def test_fault_is_named_with_its_place(value: object, fault: str) -> None:
    assert find_fault(value, SCHEMA) == fault


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    found, fault = read_object(text, SCHEMA)
    assert bool(fault) or found["kind"] in {"a", "b"}


@pytest.mark.parametrize("text", ["{" * 100_000, "[" * 100_000, '{"a":' * 50_000])
def test_deep_nonsense_is_no_object(text: str) -> None:
    assert read_object(text, SCHEMA) == ({}, "no JSON object in the answer")


def test_strict_is_what_servers_take_as_strict() -> None:
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
    assert read_object(said, SCHEMA) == ({"kind": "b"}, "")


def test_draft_within_a_thought_that_has_no_end_is_no_answer() -> None:
    assert read_object('<think>{"kind": "a"}', SCHEMA) == ({}, "no JSON object in the answer")


def test_numbers_that_are_none_and_halves_of_characters_are_read() -> None:
    assert read_object(r'{"kind": "a", "more": NaN, "text": "\ud83d"}', SCHEMA)[0] == {
        "kind": "a",
        "more": None,
        "text": "\ufffd",
    }
