"""Words around an answer."""

from datetime import date

import pytest

from beseda.domain.conversation import ChatKey
from beseda.domain.language import language_of
from beseda.domain.markdown import italic, literal
from beseda.domain.persona import Scene, spoken, system_message
from beseda.telegram.render import render


@pytest.mark.parametrize(("code", "language"), [("ru", "ru"), ("ru-RU", "ru"), ("en-GB", "en"), ("", "ru")])
def test_language_follows_the_user_and_falls_back(code: str, language: str) -> None:
    assert language_of(code, "ru") == language


@pytest.mark.parametrize("text", ["*bold* _it_ `code`", "<b>t</b> ||x||", "# head", "- item", "[a](b)", "\\(x\\) $y$"])
def test_literal_text_is_shown_as_it_is(text: str) -> None:
    shown = render(f"word {literal(text)}")
    assert (shown.text, shown.entities) == (f"word {text}", ())


def test_italic_is_one_paragraph() -> None:
    shown = render(italic("one\n\n*two*"))
    assert shown.text == "one *two*"
    assert [entity.type for entity in shown.entities] == ["italic"]


def test_system_message_tells_the_day_and_the_speaker() -> None:
    content = system_message("Be kind.\n", Scene(date(2026, 11, 20), "Anna")).content
    assert content == "Be kind.\n\nToday is 2026-11-20. You are talking to Anna."


def test_group_names_its_speakers() -> None:
    assert "“Team”" in system_message("x", Scene(date(2026, 1, 1), "Anna", "Team")).content
    assert spoken("hi", "Anna", group=True) == "Anna: hi"
    assert spoken("hi", "Anna", group=False) == "hi"


def test_history_key_is_the_documents() -> None:
    assert ChatKey("assistant", 7).history_key() == "chat_history:7"
    assert ChatKey("assistant", -100, 3).history_key("assistant") == "assistant:chat_history:-100:3"
