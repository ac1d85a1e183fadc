from typing import Any

import pytest

from botapi_sandbox.formatted_text import Entity, count_units, drop_hidden, limit_count, trim_text


def mark(kind: str, offset: int, length: int) -> Entity:
    return {"type": {"@type": f"textEntityType{kind}"}, "offset": offset, "length": length}


def test_units_are_those_of_utf16() -> None:
    assert [count_units(text) for text in ("abc", "где", "😀", "👨‍👩‍👧")] == [3, 3, 2, 8]


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [("  x  ", "x"), ("\nx\ny\n", "x\ny"), ("\u200b \ufeff", ""), ("\u3000\u2800", ""), ("\u200b x", "\u200b x")],
)
def test_text_is_trimmed(text: str, trimmed: str) -> None:
    assert trim_text(text, []).text == trimmed


def test_left_end_is_trimmed_up_to_the_first_entity_only() -> None:
    trimmed = trim_text("   x", [mark("Bold", 1, 3)])
    assert (trimmed.text, trimmed.entities) == ("  x", [mark("Bold", 0, 3)])


def test_right_end_takes_its_entities_along() -> None:
    trimmed = trim_text("x \n ", [mark("Bold", 0, 4), mark("Italic", 2, 2)])
    assert (trimmed.text, trimmed.entities) == ("x", [mark("Bold", 0, 1)])


@pytest.mark.parametrize(
    ("written", "is_kept"),
    [
        (mark("Bold", 0, 5), True),
        (mark("Code", 0, 4), False),
        (mark("TextUrl", 0, 3), True),
        (mark("CustomEmoji", 6, 2), False),
        (mark("BlockQuote", 3, 4), True),
        (mark("BlockQuote", 4, 9), False),
    ],
)
def test_links_found_by_telegram_yield_to_links_code_and_borders_of_quotes(written: Entity, is_kept: bool) -> None:
    found = mark("Url", 3, 4)
    assert drop_hidden([found], [written]) == ([found] if is_kept else [])


def test_entities_stop_at_a_hundred() -> None:
    many: list[dict[str, Any]] = [mark("Bold", number * 2, 1) for number in range(150)]
    link, emoji = mark("TextUrl", 300, 1), mark("CustomEmoji", 302, 1)
    assert limit_count([*many, link, emoji]) == [*many[:99], link, emoji]
