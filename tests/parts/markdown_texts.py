"""Generated texts as a language model might write them on its worst day."""

from __future__ import annotations

from hypothesis import strategies as st

_MARKS = (
    r"""*** ** * _ __ ~~ || ` `` ``` ~~~ # ## ###### > >> - * + 1. 2) --- === | [ ] ( ) ![ < & > \ \* \\ $ $$ ^ : ="""
)
_PIECES = [
    *_MARKS.split(),
    *(f"{mark} " for mark in ("-", "*", "1.", "2)", ">", "#", "###", "- [ ]", "- [x]")),
    *("\n", "\n\n", "\n\n\n", " ", "  \n", "    ", "\t", "\n- ", "\n    - ", "\n1. ", "\n> ", "\n> > ", "\n---\n"),
    *(
        "```python\n",
        "\n```\n",
        "```c++ x\n",
        "~~~\n",
        "`code`",
        "``a`b``",
        "**bold**",
        "*it*",
        "__b__",
        "~~s~~",
        "||sp||",
    ),
    *("| a | b |\n|---|:-:|\n| 1 | **2** |\n", "\n| я | 中 |\n|--:|---|\n| <br> | [x](http://e.com) |\n| 😀 |\n"),
    *("](http://e.com/a?b=1&c=2)", "](foo)", "](http://e.com/(x))", "](<a b>)", "](javascript:x)", "[x](http://e.com)"),
    *(
        "[ref]: http://r.com/\n",
        "[ref]",
        "https://e.com/_a_b_",
        "<http://z.com>",
        "<a@b.c>",
        "www.e.com",
        "[x](tel:+1)",
    ),
    "![👍](tg://emoji?id=5368324170671202286)",
    *("\\(", "\\)", "\\[", "\\]", "\\frac{a}{b}", "\\alpha", "^2", "x_1", "$x^2$", "\\begin{aligned}", "\\foo{"),
    *(
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        "<u>",
        "</u>",
        "<s>",
        "</s>",
        "<em>",
        "</em>",
        "<del>",
        "</del>",
        "<B>",
        "< b>",
        "<b",
    ),
    *("<code>", "</code>", "<pre>", "</pre>", '<pre><code class="language-c">', "</code></pre>", "<code class=x>"),
    *("<blockquote>", "</blockquote>", "<blockquote expandable>", "\n<blockquote>", "</blockquote>\n", "\n<pre>"),
    *('<a href="http://x.com/&quot;">', "<a href='tg://user?id=5'>", '<a href="">', "<a>", "</a>", "<a href=x>"),
    *('<span class="tg-spoiler">', "<span>", "</span>", "<tg-spoiler>", "</tg-spoiler>"),
    *('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>', '<tg-emoji emoji-id="x">', "</tg-emoji>", "<tg-emoji>"),
    *("<div>", "</p>", "<br>", "<!-- x -->", "<?x?>", "<![CDATA[", "<script>"),
    *("&lt;", "&amp;", "&#13;", "&#10;", "&#0;", "&#x202e;", "&nbsp;", "&copy", "&#xd800;", "&zwj;"),
    *("snake_case_name", "a*b*c", "__init__.py", "f(*args, **kw)", "word", "слово", "Точка. ", "x.", "0", "5"),
    *("😀", "👨‍👩‍👧", "🇷🇺", "👍🏽", "1️⃣", "e\u0301", "مرحبا", "שלום", "中文。", "한국", "\U000e0067"),
    *(
        "\x00",
        "\x07",
        "\x0b",
        "\x85",
        "\r\n",
        "\r",
        "\ufeff",
        "\u202e",
        "\u200b",
        "\u200d",
        "\u2028",
        "\u0333",
        "A\u030a",
    ),
    *("\ud800", "\udfff", "\uffff", "\u3164", "\u3000", "\xa0", "\x1b[0m"),
]

markdown_texts = st.lists(st.sampled_from(_PIECES), max_size=24).map("".join)
any_texts = st.text(st.characters(), max_size=60) | st.text("*_`~|<>&[]()\\$#-\n ab1", max_size=60)
