from typing import Any

import pytest

from beseda.sandbox.formatted import Entity, clean_text, count_units, merge_entities


def mark(kind: str, offset: int, length: int) -> Entity:
    return {"type": kind, "offset": offset, "length": length}


def test_units_are_those_of_utf16() -> None:
    assert [count_units(text) for text in ("abc", "где", "😀", "👨‍👩‍👧")] == [3, 3, 2, 8]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("  x  ", "x"), ("\r\nx\r\ny\n", "x\ny"), ("a\tb\x00c", "a b c"), ("\u200b \ufeff", ""), ("a\u202eb", "ab")],
)
def test_text_is_cleaned_and_trimmed(text: str, cleaned: str) -> None:
    assert clean_text(text, []).text == cleaned


def test_left_end_is_trimmed_up_to_the_first_entity_only() -> None:
    cleaned = clean_text("   x", [mark("text_link", 1, 3)])
    assert (cleaned.text, cleaned.entities) == ("  x", [mark("text_link", 0, 3)])


def test_entities_start_at_what_is_visible() -> None:
    cleaned = clean_text("  😀 \n x", [mark("bold", 0, 5), mark("italic", 4, 4), mark("spoiler", 4, 2)])
    assert (cleaned.text, cleaned.entities) == ("😀 \n x", [mark("bold", 0, 3), mark("italic", 5, 1)])


def test_right_end_takes_its_entities_along() -> None:
    cleaned = clean_text("x \n ", [mark("bold", 0, 4), mark("italic", 2, 2)])
    assert (cleaned.text, cleaned.entities) == ("x", [mark("bold", 0, 1)])


def test_removed_characters_move_entities_in_utf16() -> None:
    cleaned = clean_text("😀\r\nжир", [mark("bold", 4, 3)])
    assert cleaned.entities == [mark("bold", 3, 3)]


@pytest.mark.parametrize(
    ("written", "found", "merged"),
    [
        ([mark("bold", 0, 9)], [mark("url", 2, 4)], [mark("bold", 0, 9), mark("url", 2, 4)]),
        ([mark("code", 0, 9)], [mark("url", 2, 4)], [mark("code", 0, 9)]),
        ([mark("text_link", 0, 3)], [mark("mention", 3, 4)], [mark("text_link", 0, 3), mark("mention", 3, 4)]),
        ([mark("bold", 0, 3), mark("code", 1, 1)], [], [mark("bold", 0, 1), mark("code", 1, 1), mark("bold", 2, 1)]),
        ([mark("bold", 1, 2), mark("pre", 0, 4)], [], [mark("pre", 0, 4)]),
        ([mark("bold", 0, 2), mark("bold", 2, 2)], [], [mark("bold", 0, 4)]),
        (
            [mark("bold", 0, 4), mark("italic", 1, 1), mark("bold", 1, 1)],
            [],
            [mark("bold", 0, 4), mark("italic", 1, 1)],
        ),
    ],
)
def test_found_entities_join_written_ones(written: list[Entity], found: list[Entity], merged: list[Entity]) -> None:
    assert merge_entities(written, found) == merged


def test_entities_stop_at_a_hundred() -> None:
    many: list[dict[str, Any]] = [mark("bold", number * 2, 1) for number in range(150)]
    link, found = mark("text_link", 300, 1), mark("url", 302, 1)
    merged = merge_entities([*many, link], [found])
    assert len(merged) == 101
    assert merged[-2:] == [link, found]
