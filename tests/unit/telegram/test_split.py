from __future__ import annotations

import pytest

from beseda.telegram.markdown import Formatted, render, to_html
from beseda.telegram.markdown.entities import Entity
from beseda.telegram.markdown.split import MAX_CAPTION, MAX_ENTITIES, MAX_TEXT, split, utf16_len


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
    "cluster",
    [
        "😀",
        "👨‍👩‍👧",
        "👍🏽",
        "🇷🇺",
        "e\u0301",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e007f",
        "\u1100\u1161\u11a8",  # a Korean syllable in pieces
        "\u0915\u094d\u0937",  # a Devanagari conjunct
        "\u0e01\u0e33",  # a Thai letter with its vowel
    ],
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


def lengths(text: str, limit: int, *entities: Entity) -> list[int]:
    return [utf16_len(part.text) for part in split(Formatted(text, entities), limit)]


def test_split_at_the_limits_of_telegram() -> None:
    assert [len(part.text) for part in split(Formatted("a" * 4096))] == [4096]
    assert [len(part.text) for part in split(Formatted("a" * 4097))] == [4096, 1]
    assert lengths("a" * 1024, MAX_CAPTION) == [1024]
    assert lengths("a" * 1025, MAX_CAPTION) == [1024, 1]
    assert lengths("abc", 2) == [2, 1]
    assert lengths("😀" * 3, 5) == [4, 2]


@pytest.mark.parametrize(
    ("border", "fullest", "others"),
    [
        ("\n\n", 40, "b" * 48),
        ("\n", 50, "b" * 39),
        (". ", 59, "b" * 29),
    ],
)
def test_split_takes_a_border_only_if_the_part_is_full_enough(border: str, fullest: int, others: str) -> None:
    text = "a" * fullest + border + others + " " + "c" * 100
    shown = fullest + len(border.strip())
    assert lengths(text, 100) == [shown, len(others), 100]
    assert lengths(text[1:], 100)[0] == 89  # one character less, and the last space is better


@pytest.mark.parametrize(("border", "fullest"), [("\n\n", 60), ("\n", 20), (" ", 50)])
def test_split_cuts_code_at_a_border_only_if_the_part_is_full_enough(border: str, fullest: int) -> None:
    rest = "y" * 18 + "\n" + "z" * 100 if border == "\n\n" else "z" * 150
    otherwise = 79 if border == "\n\n" else 100
    for filled, first in ((fullest, fullest), (fullest - 1, otherwise)):
        text = "x" * filled + border + rest
        assert lengths(text, 100, Entity("pre", 0, len(text)))[0] == first


def test_split_prefers_the_last_border_that_fits() -> None:
    parts = [part.text for part in split(Formatted("aaaaa\n\nbbb\n\ncc"), 10)]
    assert parts == ["aaaaa\n\nbbb", "cc"]


@pytest.mark.parametrize(("offset", "first"), [(70, 69), (69, 100)])
def test_split_moves_long_code_only_from_the_end_of_a_part(offset: int, first: int) -> None:
    text = "a" * (offset - 1) + "\n" + "x" * 150
    assert lengths(text, 100, Entity("pre", offset, 150))[0] == first


@pytest.mark.parametrize(("length", "parts"), [(100, [19, 100]), (101, [100, 21])])
def test_split_moves_code_that_fits_one_message(length: int, parts: list[int]) -> None:
    assert lengths("a" * 19 + "\n" + "x" * length, 100, Entity("pre", 20, length)) == parts


@pytest.mark.parametrize(
    ("heading", "code", "parts"),
    [
        (197, 60, [50, 258]),
        (198, 60, [250, 60]),  # a paragraph of 200 units stays
        (197, 100, [50, 298]),
        (197, 101, [249, 101]),  # both together do not fit
    ],
)
def test_split_moves_a_short_introduction_with_its_code(heading: int, code: int, parts: list[int]) -> None:
    text = "t" * 50 + "\n\n" + "h" * heading + "\n" + "x" * code
    assert lengths(text, 300, Entity("pre", 53 + heading, code)) == parts


def test_split_moves_a_heading_over_a_blank_line_and_a_single_mark() -> None:
    text = "t" * 50 + "\n\n" + "h" * 20 + "\n\n" + "x" * 60
    assert lengths(text, 100, Entity("pre", 74, 60)) == [50, 82]
    assert lengths("t" * 50 + "\n\n:" + "x" * 60, 100, Entity("pre", 53, 60)) == [50, 61]
    assert lengths("t" * 50 + "\n" + "x" * 60, 100, Entity("pre", 51, 60)) == [50, 60]


def test_split_counts_offsets_within_each_part() -> None:
    entities = (Entity("bold", 0, 5), Entity("italic", 6, 8))
    assert split(Formatted("aaaa bbbb cccc", entities), 5) == [
        Formatted("aaaa", (Entity("bold", 0, 4),)),
        Formatted("bbbb", (Entity("italic", 1, 3),)),
        Formatted("cccc", (Entity("italic", 0, 4),)),
    ]


def test_split_keeps_a_hundred_of_nested_entities() -> None:
    parts = split(Formatted("abc", (Entity("bold", 0, 3),) * 101))
    assert [(part.text, len(part.entities)) for part in parts] == [("ab", 100), ("c", 100)]
    whole = Formatted("abc", (Entity("bold", 0, 3),) * 100)
    assert split(whole) == [whole]


def test_split_divides_no_character_between_too_many_entities() -> None:
    parts = split(Formatted("😀😀a", (Entity("bold", 0, 5),) * 101))
    assert [part.text for part in parts] == ["😀", "😀", "a"]


def test_split_counts_only_entities_of_the_part() -> None:
    # The first one ends with the blank line, where no part begins.
    text = "a" * 100 + "\n\n" + " ".join("b" * 100)
    entities = (Entity("bold", 0, 102), *(Entity("italic", 102 + 2 * number, 1) for number in range(100)))
    parts = split(Formatted(text, entities), 200)
    assert [(len(part.text), len(part.entities)) for part in parts] == [(100, 1), (199, 100)]


def test_split_measures_later_parts_from_their_own_beginning() -> None:
    before = "p" * 100
    for filled, first in ((40, 40), (39, 90)):
        text = before + "a" * filled + "\n\n" + "b" * (88 - filled) + " " + "c" * 100
        assert lengths(text, 100)[:2] == [100, first]
    for letters, parts in ((68, [100, 100, 100, 19]), (69, [100, 69, 100, 50])):
        text = before + "a" * letters + "\n" + "x" * 150
        assert lengths(text, 100, Entity("pre", 101 + letters, 150)) == parts


def test_split_takes_a_border_behind_the_first_character() -> None:
    assert lengths("a " + "b" * 20, 10) == [1, 10, 10]


def test_split_at_the_beginning_of_code() -> None:
    assert lengths("aaaa bbbbbxxx", 10, Entity("pre", 10, 3)) == [4, 8]
    assert lengths("a" * 9 + "xxxx", 10, Entity("pre", 9, 4)) == [9, 4]


def test_split_ignores_any_kind_of_space_at_the_end() -> None:
    assert [part.text for part in split(Formatted("aaaa bbbbb" + "\u2003" * 3), 10)] == ["aaaa bbbbb"]


def test_split_takes_only_code_for_code() -> None:
    text = "One two three. Four five six seven."
    assert lengths(text, 22, Entity("bold", 0, len(text))) == [14, 20]
    assert lengths(text, 22, Entity("code", 0, 3)) == [14, 20]


def test_split_keeps_the_indentation_of_code_only() -> None:
    text = "x" * 10 + "\n    " + "y" * 8
    assert [part.text for part in split(Formatted(text, (Entity("pre", 0, 23),)), 14)] == ["x" * 10, "    " + "y" * 8]
    assert [part.text for part in split(Formatted(text, (Entity("code", 0, 23),)), 14)] == ["x" * 10, "y" * 8]
    assert [part.text for part in split(Formatted(text), 14)] == ["x" * 10, "y" * 8]
