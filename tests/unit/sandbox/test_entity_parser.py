from typing import Any

import pytest

from botapi_sandbox.entity_parser import EntityParser
from botapi_sandbox.refusals import ApiRefusalError

PYOTR = {"id": 5, "is_bot": False, "first_name": "Пётр"}


@pytest.fixture(scope="module")
def judge() -> EntityParser:
    return EntityParser({5: PYOTR}.get)


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
def test_html_becomes_an_entity(judge: EntityParser, html: str, entity: dict[str, Any]) -> None:
    formatted = judge.format(html, "HTML")
    assert formatted.text == "x"
    assert formatted.entities == [{"offset": 0, "length": 1, **entity}]


def test_mention_of_a_stranger_is_plain_text(judge: EntityParser) -> None:
    assert judge.format('<a href="tg://user?id=6">x</a>', "HTML").entities == []


def test_telegram_finds_entities_by_itself(judge: EntityParser) -> None:
    formatted = judge.format("/start @someone #тег $USD https://a.ru a@b.ru")
    kinds = [entity["type"] for entity in formatted.entities]
    assert kinds == ["bot_command", "mention", "hashtag", "cashtag", "url", "email"]


def test_entities_given_by_the_sender_are_kept(judge: EntityParser) -> None:
    given = [{"type": "bold", "offset": 0, "length": 2, "custom": 1}, {"type": "url", "offset": 0, "length": 2}]
    assert judge.format("да!", "", given).entities == [{"type": "bold", "offset": 0, "length": 2}]


def mark(kind: str, offset: int, length: int, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **fields}


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        (mark("bold", 100, 1), "entity begins after the end of the text at UTF-16 offset 100"),
        (
            mark("bold", 0, 100),
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 100",
        ),
        (mark("bold", -1, 1), "receive an entity with incorrect offset -1"),
        (mark("bold", 0, -1), "receive an entity with incorrect length -1"),
        (mark("bold", 4, 1), "entity begins in a middle of a UTF-16 symbol at byte offset 7"),
        (
            mark("bold", 0, 4),
            "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 7",
        ),
        (
            mark("text_link", 0, 1, url="not a url"),
            "entity URL 'not a url' is invalid: Disallowed character in URL host",
        ),
        (mark("text_link", 0, 1), "can't parse MessageEntity: Can't find field \"url\""),
        (mark("text_mention", 0, 1, user={"id": "x"}), 'can\'t parse MessageEntity: Field "id" must be a valid Number'),
        (mark("date_time", 0, 1, unix_time=1, date_time_format="q"), "can't parse MessageEntity: Invalid date-time "),
        (mark("", 0, 1), "can't parse MessageEntity: Type is not specified"),
        (mark("loud", 0, 1), "can't parse MessageEntity: Unsupported type specified"),
        (mark("bold", 0, 2**40), 'can\'t parse MessageEntity: Field "length" must be a valid Number'),
    ],
)
def test_entities_out_of_place_are_refused_in_tdlibs_words(
    judge: EntityParser, entity: dict[str, Any], words: str
) -> None:
    with pytest.raises(ApiRefusalError) as refused:
        judge.format("*a*😀x", "", [entity])
    assert refused.value.description.startswith(f"Bad Request: {words}")


# The expected values are those of TDLib's own test, test/message_entities.cpp, fix_formatted_text.
@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("abc", [mark("italic", 1, 1), mark("italic", 0, 1)], [mark("italic", 0, 2)]),
        (
            "abc",
            [mark("italic", 0, 2), mark("bold", 1, 2)],
            [mark("italic", 0, 1), mark("bold", 1, 2), mark("italic", 1, 1)],
        ),
        ("a", [mark("spoiler", 0, 1), mark("pre", 0, 1)], [mark("pre", 0, 1)]),
        ("abc", [mark("pre", 0, 3), mark("blockquote", 1, 1)], [mark("blockquote", 1, 1)]),
        ("example.com", [mark("blockquote", 0, 3)], [mark("blockquote", 0, 3)]),
        ("example.com", [mark("italic", 0, 11)], [mark("url", 0, 11), mark("italic", 0, 11)]),
        ("a example.com", [mark("italic", 0, 13)], [mark("italic", 0, 2), mark("url", 2, 11), mark("italic", 2, 11)]),
        (
            "@tests @tests",
            [mark("italic", 0, 13)],
            [
                mark("mention", 0, 6),
                mark("italic", 0, 6),
                mark("italic", 6, 1),
                mark("mention", 7, 6),
                mark("italic", 7, 6),
            ],
        ),
        ("a \r b", [mark("bold", 0, 5), mark("underline", 2, 1)], [mark("bold", 0, 4)]),
    ],
)
def test_entities_are_sorted_and_split_as_tdlib_does(
    judge: EntityParser, text: str, given: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    assert judge.format(text, "", given).entities == expected


def test_markdown_in_a_text_with_entities_stays_text(judge: EntityParser) -> None:
    formatted = judge.format("**a** __b__ `c` [d](e.com) \\ \ue000\ue008", "", [mark("bold", 2, 1)])
    assert formatted.text == "**a** __b__ `c` [d](e.com) \\ \ue000\ue008"
    assert formatted.entities == [mark("bold", 2, 1), mark("url", 20, 5)]


@pytest.mark.parametrize(
    ("text", "cleaned"), [("\r\nx\r\ny\n", "x\ny"), ("a\tb\x00c", "a b c"), ("a\u202eb", "ab"), ("a\u033fb", "ab")]
)
def test_text_is_cleaned(judge: EntityParser, text: str, cleaned: str) -> None:
    assert judge.format(text).text == cleaned


def test_lone_surrogate_is_refused(judge: EntityParser) -> None:
    with pytest.raises(ApiRefusalError, match="UTF-8"):
        judge.format("\ud800")
