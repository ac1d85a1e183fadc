from __future__ import annotations

import pytest

from beseda.telegram.render import Formatted, render, to_html
from beseda.telegram.split import MAX_ENTITIES, MAX_TEXT, split, utf16_len


def cut(markdown: str, limit: int) -> list[str]:
    return [to_html(part) for part in split(render(markdown), limit)]


def test_utf16_len_counts_astral_twice() -> None:
    assert [utf16_len(text) for text in ("", "ab", "жж", "😀", "👨‍👩‍👧")] == [0, 2, 2, 2, 8]


def test_split_short_text_is_one_part() -> None:
    whole = render("**a** b")
    assert split(whole) == [whole]


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "\u2800\u3164"])
def test_split_nothing_visible(text: str) -> None:
    assert split(Formatted(text)) == []


def test_split_refuses_a_limit_without_room() -> None:
    with pytest.raises(ValueError, match="two units"):
        split(Formatted("abc"), 1)


def test_split_prefers_paragraphs() -> None:
    assert cut("one two three.\n\nfour five. six\nseven", 26) == ["one two three.", "four five. six\nseven"]


def test_split_prefers_lines_to_sentences() -> None:
    assert cut("One. Two three\nfour five. six seven", 24) == ["One. Two three", "four five. six seven"]


def test_split_prefers_sentences_to_words() -> None:
    assert cut("One two three. Four five six seven.", 22) == ["One two three.", "Four five six seven."]


def test_split_at_words() -> None:
    assert cut("aaaa bbbb cccc", 10) == ["aaaa bbbb", "cccc"]


def test_split_without_any_border() -> None:
    assert cut("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


def test_split_ignores_space_beyond_the_limit() -> None:
    assert split(Formatted("a" * 10 + "\n" * 30), 10) == [Formatted("a" * 10)]


def test_split_continues_formatting() -> None:
    assert cut("**aaaa *bbbb cccc* dddd**", 10) == ["<b>aaaa <i>bbbb</i></b>", "<b><i>cccc</i> dddd</b>"]


def test_split_continues_a_link_and_a_quote() -> None:
    assert cut("> aaaa [bbbb cccc](https://e.com)", 10) == [
        '<blockquote>aaaa <a href="https://e.com">bbbb</a></blockquote>',
        '<blockquote><a href="https://e.com">cccc</a></blockquote>',
    ]


def test_split_moves_a_code_block_as_a_whole() -> None:
    parts = cut("text before\n\n```py\nline one\n\nline two\n```\n\nafter", 30)
    assert parts == ["text before", '<pre><code class="language-py">line one\n\nline two</code></pre>\n\nafter']


def test_split_moves_a_code_block_with_its_heading() -> None:
    parts = cut("text that stands before\n\n## Run\n\n```\nline one\nline two\n```", 40)
    assert parts == ["text that stands before", "<b>Run</b>\n<pre>line one\nline two</pre>"]


def test_split_reopens_a_long_code_block_with_its_language() -> None:
    parts = cut("```py\nif x:\n    a = 1\n    b = 2\n    c = 3\n```", 24)
    assert parts == [
        '<pre><code class="language-py">if x:\n    a = 1</code></pre>',
        '<pre><code class="language-py">    b = 2\n    c = 3</code></pre>',
    ]


def test_split_does_not_divide_inline_code() -> None:
    assert cut("aaa bbb `c d e f`", 12) == ["aaa bbb", "<code>c d e f</code>"]


@pytest.mark.parametrize(
    "cluster", ["😀", "👨‍👩‍👧", "👍🏽", "🇷🇺", "e\u0301", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_split_keeps_visible_characters_whole(cluster: str) -> None:
    parts = split(Formatted(cluster * 40), 21)
    assert "".join(part.text for part in parts) == cluster * 40
    assert all(len(part.text) % len(cluster) == 0 for part in parts)


def test_split_divides_an_endless_cluster_between_pairs() -> None:
    text = "a" + "\u0301" * 50 + "😀"
    assert "".join(part.text for part in split(Formatted(text), 7)) == text


def test_split_at_a_hundred_entities() -> None:
    parts = split(render(" ".join(f"**w{number}**" for number in range(250))))
    assert [len(part.entities) for part in parts] == [MAX_ENTITIES, MAX_ENTITIES, 50]
    assert " ".join(part.text for part in parts) == " ".join(f"w{number}" for number in range(250))


def test_split_long_answer_fills_its_parts() -> None:
    parts = split(render("\n\n".join(f"## Heading {n}\n\n{'Some words here. ' * 20}" for n in range(60))))
    lengths = [utf16_len(part.text) for part in parts]
    assert max(lengths) <= MAX_TEXT
    assert min(lengths[:-1]) > MAX_TEXT * 0.8
    assert all(part.text.startswith("Heading") for part in parts)
