from typing import Any

import pytest

from beseda.sandbox.judge import Judge
from beseda.sandbox.refusals import ApiRefusalError

PYOTR = {"id": 5, "is_bot": False, "first_name": "Пётр"}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge({5: PYOTR}.get)


@pytest.mark.parametrize(
    ("html", "entity"),
    [
        ("<b>x</b>", {"type": "bold"}),
        ("<del>x</del>", {"type": "strikethrough"}),
        ('<span class="tg-spoiler">x</span>', {"type": "spoiler"}),
        ('<pre><code class="language-py">x</code></pre>', {"type": "pre", "language": "py"}),
        ("<blockquote expandable>x</blockquote>", {"type": "expandable_blockquote"}),
        ('<a href="https://a.b/">x</a>', {"type": "text_link", "url": "https://a.b/"}),
        ('<a href="tg://user?id=5">x</a>', {"type": "text_mention", "user": PYOTR}),
        ('<tg-emoji emoji-id="7">x</tg-emoji>', {"type": "custom_emoji", "custom_emoji_id": "7"}),
        (
            '<tg-time unix="9" format="wDT">x</tg-time>',
            {"type": "date_time", "unix_time": 9, "date_time_format": "wDT"},
        ),
        ('<tg-time unix="9" format="r">x</tg-time>', {"type": "date_time", "unix_time": 9, "date_time_format": "r"}),
    ],
)
def test_html_becomes_an_entity(judge: Judge, html: str, entity: dict[str, Any]) -> None:
    formatted = judge.format(html, "HTML")
    assert formatted.text == "x"
    assert formatted.entities == [{"offset": 0, "length": 1, **entity}]


def test_mention_of_a_stranger_is_plain_text(judge: Judge) -> None:
    assert judge.format('<a href="tg://user?id=6">x</a>', "HTML").entities == []


def test_telegram_finds_entities_by_itself(judge: Judge) -> None:
    formatted = judge.format("/start @someone #тег $USD https://a.ru a@b.ru")
    kinds = [entity["type"] for entity in formatted.entities]
    assert kinds == ["bot_command", "mention", "hashtag", "cashtag", "url", "email"]


def test_entities_given_by_the_sender_are_kept(judge: Judge) -> None:
    given = [{"type": "bold", "offset": 0, "length": 2, "custom": 1}, {"type": "url", "offset": 0, "length": 2}]
    assert judge.format("да!", "", given).entities == [{"type": "bold", "offset": 0, "length": 2}]


def test_lone_surrogate_is_refused(judge: Judge) -> None:
    with pytest.raises(ApiRefusalError, match="UTF-8"):
        judge.format("\ud800")
