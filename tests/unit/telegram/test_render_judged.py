"""Whatever is rendered, Telegram's parser reads back as what was meant."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from beseda.telegram.markdown import Formatted, format_text_html, render, to_html
from beseda.telegram.markdown.split import utf16_len
from tests.parts.markdown_texts import any_texts, markdown_texts
from tests.parts.telegram_judge import judge_html

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "render").glob("*.md"))
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def assert_accepted(formatted: Formatted) -> None:
    html = to_html(formatted)
    verdict = judge_html(html)
    meant = tuple(sorted((e.type, e.offset, e.length, e.language) for e in formatted.entities))
    assert not verdict.error, html
    assert verdict.text == formatted.text, html
    assert verdict.entities == meant, html


def assert_rules_kept(formatted: Formatted) -> None:
    """Telegram's rules of nesting, which its parser does not check but its server does."""
    text_length = utf16_len(formatted.text)
    assert all(0 <= e.offset < e.end <= text_length for e in formatted.entities)
    assert all(a.offset <= b.offset for a, b in pairwise(formatted.entities))
    for number, inner in enumerate(formatted.entities):
        for outer in formatted.entities[:number]:
            if outer.end <= inner.offset:
                continue
            assert inner.end <= outer.end, "crossing"
            assert outer.type not in {"code", "pre"}, "something inside code"
            assert outer.type != inner.type
            assert "blockquote" not in inner.type
            assert not (outer.type == "text_link" and inner.type in {"code", "pre", "custom_emoji"})


def assert_all_rendered(texts: SearchStrategy[str], examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=SLOW)
    @given(texts)
    def check(text: str) -> None:
        formatted = render(text)
        assert_accepted(formatted)
        assert_rules_kept(formatted)

    check()


@pytest.mark.parametrize("examples", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_render_generated_markdown(examples: int) -> None:
    assert_all_rendered(markdown_texts, examples)


@pytest.mark.parametrize("examples", [500, pytest.param(5_000, marks=pytest.mark.slow)])
def test_render_any_text(examples: int) -> None:
    assert_all_rendered(any_texts, examples)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=SLOW)
@given(markdown_texts)
def test_render_generated_prefixes(text: str) -> None:
    for end in range(len(text)):
        assert_accepted(render(text[:end]))
        assert_accepted(render(text[:end], partial=True))
        assert_accepted(render(text[:end], partial=True))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_render_sample(sample: Path) -> None:
    text = sample.read_text("utf-8")
    assert format_text_html(text) + "\n" == sample.with_suffix(".html").read_text("utf-8")
    assert_accepted(render(text))
    assert_rules_kept(render(text))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_render_sample_while_it_streams(sample: Path) -> None:
    text = sample.read_text("utf-8")
    for end in range(len(text)):
        assert_accepted(render(text[:end]))
        assert_accepted(render(text[:end], partial=True))
