"""Words of others, marked so that they never pass for a person's own."""

import pytest

from beseda.llm.quotation import (
    Quotation,
    explain_unseen,
    mark_unseen,
    one_line,
    own_words,
    quoted_words,
    split_quoted,
)

GAPS = ["\n", "\x00", "\r", "\t", "\x0b", "\x85", "\u2028", "\u2029", "\u00a0"]
HIDDEN = ["\u202a", "\u202e", "\u2066", "\u2069", "\u200b", "\u200e", "\ufeff", "\ud83d"]


@pytest.mark.parametrize("gap", GAPS, ids=ascii)
def test_line_of_a_stranger_has_plain_spaces_only(gap: str) -> None:
    assert one_line(f"a{gap}{gap}b", 10) == "a b"


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_line_of_a_stranger_holds_nothing_that_cannot_be_seen(hidden: str) -> None:
    assert one_line(f"a{hidden}b", 10) == "ab"


def test_emoji_of_several_characters_stays_whole() -> None:
    assert one_line("👨\u200d👩\u200d👧", 10) == "👨\u200d👩\u200d👧"


@pytest.mark.parametrize("length", [9, 10, 11, 500_000])
def test_line_of_a_stranger_is_bounded(length: int) -> None:
    assert len(one_line("x" * length, 10)) == min(length, 10)


@pytest.mark.parametrize("gap", ["\n", "\x85", "\u2028", "\r\n"], ids=ascii)
def test_every_line_of_a_quotation_is_marked(gap: str) -> None:
    written = Quotation("Борис", f"one{gap}{gap}two").write()
    assert written == "> Борис: one\n> two"
    assert own_words(f"{written}\nmine") == "mine"
    assert quoted_words(f"{written}\nmine") == "Борис: one\ntwo"
    assert split_quoted(f"{written}\nmine\nyours") == (written, "mine\nyours")


def test_quotation_without_an_author_or_without_words_is_still_one() -> None:
    assert Quotation("", "one").write() == "> one"
    assert Quotation("Борис", " \n ").write() == "> Борис: …"


def test_own_words_are_all_the_text_without_marks() -> None:
    assert own_words("a > b") == "a > b"
    assert split_quoted("a\n> b") == ("", "a\n> b")


def test_file_that_was_not_looked_at_is_explained_to_the_reader() -> None:
    photo, file = explain_unseen(f"{mark_unseen('photo')}\nhi"), explain_unseen(f"{mark_unseen('live_photo')}\nhi")
    assert photo is not None and "Картинку" in photo.say("ru")
    assert file is not None and "Файл" in file.say("ru")
    assert explain_unseen("photo: you cannot see it") is None
