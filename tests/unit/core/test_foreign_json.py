import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.core.foreign_json import join_surrogates, load_json

ODD = {
    "a mark": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    "UTF-16": ('{"a": "я"}'.encode("utf-16"), {"a": "я"}),
    "broken UTF-8": (b'{"a": "\xd0"}', {"a": "\ufffd"}),
    "NaN": (b'{"a": NaN, "b": [-Infinity]}', {"a": None, "b": [None]}),
    "infinity": (b'{"a": 1e999}', {"a": None}),
    "half": (rb'{"\ud83d": ["\ude00", "\ud83d\ude00"]}', {"\ufffd": ["\ufffd", "😀"]}),
    "control": (b'{"a": "x\ty\x01"}', {"a": "x\ty\x01"}),
}


@pytest.mark.parametrize(("body", "value"), ODD.values(), ids=ODD)
def test_files_of_other_programs_are_read(body: bytes, value: object) -> None:
    assert load_json(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"[" * 100_000, b'{"a": undefined}', b"\xff\xfe"])
def test_invalid_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        load_json(body)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        found = load_json(body)
    except ValueError:
        return
    assert not (isinstance(found, float) and math.isinf(found))


@given(st.text(st.characters(), max_size=6))
def test_joined_text_can_be_encoded(text: str) -> None:
    join_surrogates(text).encode()
