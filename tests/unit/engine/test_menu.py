"""Which label leads where, and which buttons stand where."""

import pytest

from beseda.engine.bot import MenuItem
from beseda.engine.menu import BACK, Face, MenuBook, MenuStep
from beseda.locales import Text
from beseda.telegram.keyboards import Button, ReplyKeyboard

MENU = (
    MenuItem(label=Text(ru="Дело", en="Work"), items=(MenuItem(mode="audio"), MenuItem(mode="text"))),
    MenuItem(mode="photo"),
    MenuItem(label=Text(ru="Помощь", en="Help"), command="help"),
)
FACES = {
    "audio": Face(Text(ru="Аудио", en="Audio")),
    "text": Face(
        Text(ru="Текст", en="Text"),
        [Text(ru="Сводка", en="Summary"), Text(ru="Очень длинная надпись кнопки", en="Long")],
    ),
    "photo": Face(Text(ru="Фото", en="Photo")),
}


@pytest.fixture
def book() -> MenuBook:
    return MenuBook(MENU, FACES)


@pytest.mark.parametrize(
    ("label", "step"),
    [
        ("Дело", MenuStep("menu", "0")),
        ("Work", MenuStep("menu", "0")),
        ("Аудио", MenuStep("mode", "audio")),
        ("Photo", MenuStep("mode", "photo")),
        ("Help", MenuStep("command", "help")),
        ("Сводка", MenuStep("action", "text.0")),
        ("⬅️ Назад", MenuStep("back")),
        ("Назад", MenuStep("back")),
        ("Back", MenuStep("back")),
        ("Главное меню", MenuStep("menu")),
        ("аудио", None),
        ("", None),
    ],
)
def test_label_leads_in_either_language(book: MenuBook, label: str, step: MenuStep | None) -> None:
    assert book.find(label) == step


def test_keys_stand_below_the_field_in_private(book: MenuBook) -> None:
    assert book.markup("", "en", private=True) == ReplyKeyboard([["Work", "Photo"], ["Help"]])
    assert book.markup("0", "ru", private=True) == ReplyKeyboard([["Аудио", "Текст"], ["⬅️ Назад"]])


def test_buttons_are_inline_in_a_group(book: MenuBook) -> None:
    shown = book.markup("0", "en", private=False)
    back = Button(BACK.say("en"), "back:")
    assert shown == [[Button("Audio", "mode:audio"), Button("Text", "mode:text")], [back]]


def test_long_label_has_its_own_row(book: MenuBook) -> None:
    shown = book.actions("text", "ru", private=True)
    assert shown == ReplyKeyboard([["Сводка"], ["Очень длинная надпись кнопки"], ["⬅️ Назад"]])


def test_home_of_a_mode_is_the_menu_it_stands_in(book: MenuBook) -> None:
    assert [book.home_of(name) for name in ("audio", "photo", "none")] == ["0", "", ""]
    assert [book.has(place) for place in ("", "0", "1", "7", "x")] == [True, True, False, False, False]
    assert book.title("0") == Text(ru="Дело", en="Work")
