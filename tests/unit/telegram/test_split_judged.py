"""Every part of every cut is a message that Telegram takes, and nothing but space is lost."""

from __future__ import annotations

import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beseda.telegram.markdown import Formatted, render
from beseda.telegram.markdown.split import MAX_ENTITIES, split, utf16_len
from tests.parts.markdown_texts import any_texts, markdown_texts
from tests.unit.telegram.test_render_judged import assert_accepted, assert_rules_kept

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


# Letters by category, yet shown as nothing: a part made only of these would be refused.
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")


def squeeze(text: str) -> str:
    """Only what can be seen of a text."""
    return "".join(char for char in text if unicodedata.category(char)[0] in "LNPS" and char not in BLANK_LETTERS)


@settings(max_examples=2_000, deadline=None, database=None, suppress_health_check=SLOW)
@given(markdown_texts | any_texts, st.integers(2, 60))
def test_split_generated_text(text: str, limit: int) -> None:
    whole = render(text)
    parts = split(whole, limit)
    for part in parts:
        assert 0 < utf16_len(part.text) <= limit
        assert part.text.strip()
        assert len(part.entities) <= MAX_ENTITIES
        assert_accepted(part)
        assert_rules_kept(part)
    assert squeeze("".join(part.text for part in parts)) == squeeze(whole.text)


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=SLOW)
@given(markdown_texts, st.integers(2, 40))
def test_split_keeps_formatting(text: str, limit: int) -> None:
    whole = render(text)
    parts = split(whole, limit)
    for kind in ("bold", "code", "pre", "text_link"):
        covered = "".join(_covered(part, kind) for part in parts)
        assert squeeze(covered) == squeeze(_covered(whole, kind))


def _covered(formatted: Formatted, kind: str) -> str:
    wide = formatted.text.encode("utf-16-le")
    return "".join(wide[2 * e.offset : 2 * e.end].decode("utf-16-le") for e in formatted.entities if e.type == kind)
