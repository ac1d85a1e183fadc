"""Texts by key and language."""

import pickle
from pathlib import Path

import pytest

from beseda.locales import BotTexts, Text
from beseda.locales.catalogue import CatalogueError, read_texts


def test_text_is_found_by_its_key_and_its_fields_are_filled_in() -> None:
    text = Text("meetings.reminder")
    assert text.say("en", time="9:00") == "⏰ A reminder of the meeting: 9:00."
    assert text.say("ru", time="9:00") == "⏰ Напоминаю о встрече: 9:00."


def test_language_without_a_catalogue_reads_english() -> None:
    assert Text("clear.yes").say("de") == Text("clear.yes").say("en")
    assert Text(ru="да", en="yes").say("de") == "yes"
    assert Text(ru="да").say("en") == "да"


def test_its_own_words_stand_in_every_language() -> None:
    assert Text(ru="да", en="yes").by_language() == {"ru": "да", "en": "yes"}
    assert Text(ru="", en="").say("ru") == ""


def test_key_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"none\.such"):
        Text("none.such").say("ru")


def test_text_crosses_to_another_process() -> None:
    for text in (Text("clear.yes"), Text("reset", BotTexts(Path("bots/llama"))), Text(ru="да", en="yes")):
        assert pickle.loads(pickle.dumps(text)) == text


def test_catalogue_of_a_bot_adds_to_the_words_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "ru.toml").write_text('[menu]\nlabel = "Меню"\n')
    bot = BotTexts(tmp_path)
    assert Text("menu.label", bot, en="Menu").by_language() == {"ru": "Меню", "en": "Menu"}


@pytest.mark.parametrize("content", [b"a = ", b"a = 1", b"a = ['b']", b"a = '\xff'", b"#" * 2_000_000])
def test_file_that_is_no_catalogue_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "en.toml").write_bytes(content)
    with pytest.raises(CatalogueError, match=r"en\.toml"):
        read_texts(tmp_path, "en")
