from __future__ import annotations

import time

import pytest

from beseda.telegram.markdown import Formatted, format_text_html, render, to_html


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("", ""),
        ("plain", "plain"),
        ("**x**", "<b>x</b>"),
        ("*x*", "<i>x</i>"),
        ("_x_ and __y__", "<i>x</i> and <b>y</b>"),
        ("***x***", "<i><b>x</b></i>"),
        ("~~x~~ ||y||", "<s>x</s> <tg-spoiler>y</tg-spoiler>"),
        ("### Header", "<b>Header</b>"),
        ("## A\ntext\n# **B**", "<b>A</b>\ntext\n\n<b>B</b>"),
        ("`a<b`", "<code>a&lt;b</code>"),
        ("**a `b` c**", "<b>a</b> <code>b</code> <b>c</b>"),
        ("[t](https://e.com/?a=1&b=2)", '<a href="https://e.com/?a=1&amp;b=2">t</a>'),
        ("[`t`](https://e.com)", '<a href="https://e.com">t</a>'),
        ("![alt](https://e.com/i.png)", '<a href="https://e.com/i.png">alt</a>'),
        ("[file](src/main.py) [top](#top)", "file (src/main.py) top"),
        ("[click](javascript:alert(1))", "[click](javascript:alert(1))"),
        ("<https://e.com/a_b>", "https://e.com/a_b"),
        ("https://e.com/_a_/*b*", "https://e.com/_a_/*b*"),
        ("---", "――――――――――――"),
        ("text\n---\nmore", "text\n――――――――――――\nmore"),
    ],
)
def test_render_markdown(markdown: str, html: str) -> None:
    assert format_text_html(markdown) == html


@pytest.mark.parametrize(
    "text",
    [
        "snake_case_name",
        "a*b*c",
        "2 * 3 * 4",
        "__init__.py",
        "obj.__dict__",
        "5 ** 2",
        "it costs $5 or $10",
        "C:\\Users\\name",
        "1) one",
        "a | b || c",
        "half **open",
        "[not a link]",
        "x ^ y",
        "# ",
    ],
)
def test_render_leaves_words_alone(text: str) -> None:
    assert format_text_html(text) == text.strip("# ")


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<div>x</div><br>", "&lt;div&gt;x&lt;/div&gt;&lt;br&gt;"),
        ("<b>x</b> <i>open", "<b>x</b> &lt;i&gt;open"),
        ("<b>x</i></b>", "<b>x&lt;/i&gt;</b>"),
        ("<b>one\n\ntwo</b>", "<b>one\n\ntwo</b>"),
        ("**a <b>b** c</b>", "<b>a &lt;b&gt;b</b> c&lt;/b&gt;"),
        ("<u>u</u><ins>u</ins> <STRIKE>s</STRIKE>", "<u>u</u><u>u</u> <s>s</s>"),
        ('<span class="tg-spoiler">x</span> <span>y</span>', "<tg-spoiler>x</tg-spoiler> &lt;span&gt;y&lt;/span&gt;"),
        (
            '<a href="https://e.com">x</a> <a href="x">y</a>',
            '<a href="https://e.com">x</a> &lt;a href="x"&gt;y&lt;/a&gt;',
        ),
        ("<code>a_b_ **c** &lt;</code>", "<code>a_b_ **c** &lt;</code>"),
        ("<pre>a\n\n- b</pre>", "<pre>a\n\n- b</pre>"),
        ('<pre><code class="language-c">x</code></pre>', '<pre><code class="language-c">x</code></pre>'),
        ("<blockquote>\na\n\n- b\n</blockquote>", "<blockquote>a\n\n• b</blockquote>"),
        ("<blockquote expandable>a</blockquote>", "<blockquote expandable>a</blockquote>"),
        ('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',) * 2,
        ('<tg-emoji emoji-id="0">👍</tg-emoji>', '&lt;tg-emoji emoji-id="0"&gt;👍&lt;/tg-emoji&gt;'),
    ],
)
def test_render_tags(markdown: str, html: str) -> None:
    assert format_text_html(markdown) == html


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        (r"\(a_1 * b_1 * c\)", "a₁ * b₁ * c"),
        (r"$E = mc^2$", "E = mc²"),
        (r"\[ \frac{a+b}{2} \leq \sqrt{x} \]", "(a+b)/2 ≤ √x"),
        ("$$\n\\sum_{i=1}^{n} i\n= \\frac{n(n+1)}{2}\n$$", "∑ᵢ₌₁ⁿ i\n= n(n+1)/2".replace("\n", " ")),
        (r"\[\begin{aligned} x &= 1 \\ y &= 2 \end{aligned}\]", "x = 1\ny = 2"),
        (r"\(\unknown{x}_1\)", r"\unknown{x}_1"),
        (r"\(x^{2k+q}\)", "x^(2k+q)"),
        (r"\[optional\] \(see\)", "[optional] (see)"),
        (r"\(\text{speed} = 5\,\text{m}/\text{s}\)", "speed = 5 m/s"),
        (r"\(\hat{x} \in \mathbb{R}\)", "x̂ ∈ ℝ"),
        (r"$HOME/bin:$PATH", "$HOME/bin:$PATH"),
    ],
)
def test_render_formula(markdown: str, text: str) -> None:
    assert render(markdown).text == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("a\n\n\n\nb", "a\n\nb"),
        ("Intro:\n- a\n- b\n\nafter", "Intro:\n• a\n• b\n\nafter"),
        ("- a\n\n- b\n\n- c", "• a\n• b\n• c"),
        ("1. a\n```\nx\n```\n2. b", "1. a\nx\n2. b"),
        ("3) a\n4) b", "3) a\n4) b"),
        ("- a\n  - b\n    - c\n- d", "• a\n    • b\n        • c\n• d"),
        ("1. a\n  - b\n  - c\n2. d\n - e", "1. a\n    • b\n    • c\n2. d\n    • e"),
        ("- [ ] a\n- [x] b\n1. [ ] c", "☐ a\n☑ b\n1. ☐ c"),
        ("- a\n\n  more\n- b", "• a\n\n    more\n\n• b"),
        ("a\n# H\nb", "a\n\nH\nb"),
        ("> a\n>> b\n>> c", "a\n│ b\n│ c"),
        ("line  \nbreak\\\nbreak\nsoft", "line\nbreak\nbreak\nsoft"),
    ],
)
def test_render_layout(markdown: str, text: str) -> None:
    assert render(markdown).text == text


@pytest.mark.parametrize(
    "text", ["Привет, мир!", "One.\n\nTwo: three\nfour", "a - b + c = d # 5", "http://e.com/x.y?z=1"]
)
def test_render_plain_text_needs_no_parser(text: str) -> None:
    assert render(text) == Formatted(text)


def test_render_table_columns_stand_under_each_other() -> None:
    text = render("| a | b |\n|---|--:|\n| 寿司 | 1 |\n| 😀😀 | 22 |\n| e\u0301 | 3 |\n| ✔️ | 4 |").text
    assert text.split("\n") == ["a    │  b", "─────┼───", "寿司 │  1", "😀😀 │ 22", "e\u0301    │  3", "✔️   │  4"]


@pytest.mark.parametrize("partial", ["```python\nx = 1", "```python\nx = 1\n``"])
def test_render_unclosed_fence_is_code(partial: str) -> None:
    assert format_text_html(partial).startswith('<pre><code class="language-python">x = 1')


def test_render_long_quote_is_folded() -> None:
    assert format_text_html("> " + "word " * 200).startswith("<blockquote expandable>")


@pytest.mark.parametrize("dirty", ["a\x00b", "a\x07b", "a\ufeffb", "a\ud800b", "a\u202eb", "a&#x202e;b"])
def test_render_drops_text_that_telegram_would_drop(dirty: str) -> None:
    assert render(dirty) == Formatted("ab")


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\u200b", "&nbsp;", "\u2800", "```\n```", "# "])
def test_render_nothing_visible(blank: str) -> None:
    assert render(blank) == Formatted("")


def test_render_counts_utf16() -> None:
    assert [(e.offset, e.length) for e in render("😀 **😀x** `y`").entities] == [(3, 3), (7, 1)]


def test_render_keeps_indentation_of_leading_code() -> None:
    assert render("```\n    a\n  b\n```").text == "    a\n  b"


def test_render_expands_tabs_in_code() -> None:
    assert render("```go\nif x {\n\treturn\n}\n```").text == "if x {\n    return\n}"


def test_render_shows_unused_link_definitions() -> None:
    assert render("text [1]\n\n[1]: https://a.com\n[2]: https://b.com").text == "text 1\n\n2: https://b.com"


@pytest.mark.parametrize(
    ("partial", "html"),
    [
        ("a **b", "a <b>b</b>"),
        ("a **b*", "a <b>b</b>"),
        ("a **", "a"),
        ("**a *b", "<b>a <i>b</i></b>"),
        ("~~a **b~~ c", "<s>a **b</s> c"),
        ("a ~~b ||c", "a <s>b <tg-spoiler>c</tg-spoiler></s>"),
        ("see `x_1 = ", "see <code>x_1 =</code>"),
        ("a [text](https://exam", "a text"),
        ("**a\n\nb *c", "**a\n\nb <i>c</i>"),
        ("- **a\n- **b", "• **a\n• <b>b</b>"),
        ("**a\n```\ncode *b", "**a\n<pre>code *b</pre>"),
        ("2 * 3 and f(x", "2 * 3 and f(x"),
        ("**done** text", "<b>done</b> text"),
        ("| a | b |\n|---|---|\n| **c", "<pre>a │ b\n──┼──\nc │</pre>"),
    ],
)
def test_render_partial_text_shows_open_marks(partial: str, html: str) -> None:
    assert to_html(render(partial, partial=True)) == html


HOSTILE = {
    "brackets": "[" * 20_000,
    "brackets then a link": "[" * 20_000 + "](x)",
    "images": "![" * 10_000 + "](x)",
    "links never closed": "[a](" * 5_000,
    "exclamations": "!" * 50_000,
    "ampersands": "&" * 20_000,
    "backticks": "`" * 10_000,
    "bold never closed": "**a " * 10_000,
    "emphasis crossing": "*a **b " * 3_000,
    "spoilers": "||a" * 10_000,
    "tags crossing": "<b>" * 10_000 + "</i>" * 10_000,
    "code never closed": "<code>" * 10_000,
    "pre never closed": "<pre>\n" * 3_000,
    "quotes never closed": "<blockquote>\n" * 3_000,
    "nested quote tags": "<blockquote>\n" * 500 + "x" + "</blockquote>\n" * 500,
    "nested quotes": "> " * 5_000 + "x",
    "nested lists": "- " * 5_000 + "x",
    "nested images": "![" * 500 + "](x)" * 500,
    "nested links": "[" * 500 + "](x)" * 500,
    "formulas": "\\(" * 10_000,
    "nested formula": "\\(" + "{^" * 500 + "}" * 500 + "\\)",
    "dollars": "$x" * 10_000,
    "wide table": "| a " * 3_000 + "\n" + "|--" * 3_000,
    "many lists": "1. a\n  - b\n" * 3_000,
    "many tables": "|a|\n|-|\n|b|\n\n" * 2_000,
    "many quotes": "> a\n\n" * 4_000,
    "code fences": "```\n" * 5_001,
    "bold code": "**" + "a `b` " * 5_000 + "**",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_render_hostile_text_in_time(text: str) -> None:
    started = time.process_time()
    format_text_html(text)
    assert time.process_time() - started < 5
