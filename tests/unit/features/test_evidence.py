"""What a model says it has read, and whether it stands there."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beseda.features.leads.evidence import clean, find_fault, fold
from beseda.features.leads.model import Finding, SlotState, Thresholds


def fault(slot: str, value: str, message: str, quote: str | None = None) -> str:
    return find_fault(Finding(slot, value, 0.9, 1, message if quote is None else quote), message)


@pytest.mark.parametrize(
    ("slot", "value", "message"),
    [
        ("name", "Анна", "Меня зовут Анной"),
        ("name", "Пётр", "петр"),
        ("name", "Мария Иванова", "Марии Ивановой позвоните"),
        ("name", "O'Neil", "I am O’Neil"),
        ("company", "ООО «Ромашка»", "фирма ромашка"),
        ("contact", "+79991234567", "мой 8 (999) 123-45-67"),
        ("contact", "+79991234567", "+7\u00a0999\u00a01234567"),
        ("email", "Anya@mail.ru", "пишите anya@MAIL.ru"),
        ("budget", "500000 рублей", "бюджет 500 тысяч"),
        ("budget", "1 500 000", "1,5 млн"),
        ("budget", "500 000 ₽", "бюджет 500к"),
        ("people", "25 человек", "нас двадцать пять человек"),
        ("people", "12", "twelve of us"),
        ("volume", "1500000", "полтора миллиона"),
        ("address", "г. Казань, ул. Баумана, д. 5", "мы в Казани на Баумана 5"),
        ("problem", "Теряют заявки ночью в Битрикс24", "ночью теряем заявки, хотя есть битрикс24"),
        ("deadline", "до 15.12.2026", "надо до 15.12.2026"),
        ("data_access", "да", "конечно, дам"),
        ("phone", "+79991234567", "мой номер 9 9 9 1 2 3 4 5 6 7"),
        ("phone", "+79991234567", "8/999/123/45/67"),
        ("phone", "+79991234567", "нас 12, 8 999 123 45 67"),
        ("budget", "300000-500000", "300-500 тысяч"),
        ("budget", "от 300000 до 500000", "от трёхсот до пятисот тысяч"),
        ("budget", "2300000", "2 миллиона 300 тысяч"),
        ("budget", "пятьсот тысяч", "500 тыс."),
        ("problem", "Одна из заявок теряется", "заявка теряется"),
        ("contact", "@anna_iv", "пишите @anna_iv"),
    ],
)
def test_stated_value_is_believed(slot: str, value: str, message: str) -> None:
    assert fault(slot, value, message) == ""


@pytest.mark.parametrize(
    ("slot", "value", "message"),
    [
        ("name", "Марина", "Я Мария"),
        ("name", "Иванов", "Я Иван"),
        ("name", "Анна Петрова", "Я Анна"),
        ("company", "Ромашка Плюс", "фирма ромашка"),
        ("company", "ООО", "мы ООО Ромашка"),
        ("company", "Ltd.", "we are Acme Ltd."),
        ("contact", "+79991234568", "мой 8 (999) 123-45-67"),
        ("contact", "+79991234567", "позвоните мне"),
        ("email", "anna@mail.ru", "пишите anya@mail.ru"),
        ("email", "anya@mail.ru", "anya собака gmail.com"),
        ("budget", "600 000", "бюджет 500к"),
        ("budget", "5000000", "бюджет 500 000"),
        ("people", "250", "нас 25"),
        ("people", "25", "нас двадцать, ещё пять не в счёт"),
        ("address", "Казань, Баумана 7", "в Казани на Баумана 5"),
        ("address", "Москва", "в Казани"),
        ("phone", "+49991234567", "8 999 123-45-67"),
        ("phone", "+380991234567", "8 099 123-45-67"),
        ("phone", "+79991234567", "заказ 00099991234567999"),
        ("budget", "1000", "так себе"),
        ("budget", "1000000", "I am Anna"),
        ("budget", "пятьсот тысяч", "сто тысяч"),
        ("budget", "миллион", "дорого"),
        ("people", "десять", "нас пять"),
        ("email", "anna@mail.ru", "аnna@mail.ru"),  # a Cyrillic letter in the message
        ("email", "bob собака evil.com", "я bob"),
        ("contact", "https://evil.com/x", "пишите @anna_iv"),
        ("problem", "Сайт evil.com не работает", "сайт не работает"),
        ("problem", "Хочет уйти от Яндекса", "хотим уйти"),
        ("problem", "CRM не справляется", "таблица не справляется"),
        ("", "x", "x"),
        ("Name", "x", "x"),
        ("name", "", "x"),
        ("name", "\u200b", "x"),
        ("goal", "x" * 1001, "x"),
    ],
)
def test_unstated_value_is_refused(slot: str, value: str, message: str) -> None:
    assert fault(slot, value, message)


def test_quote_stands_in_the_message_to_the_letter() -> None:
    message = "Мы «Ромашка», нас   ЁЖ знает сколько — 12"
    for quote in ("мы «ромашка»", 'Мы "Ромашка"', "нас еж знает", "сколько - 12"):
        assert fault("people", "12", message, quote) == ""
    for quote in ("", "  ", "нас двенадцать", "мы ромашка"):
        assert fault("people", "12", message, quote)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), float("inf")])
def test_confidence_is_a_share(confidence: float) -> None:
    assert find_fault(Finding("goal", "x", confidence, 1, "x"), "x")


@pytest.mark.parametrize(
    ("confidence", "state"),
    [
        (0.0, SlotState.TO_ASK),
        (0.599, SlotState.TO_ASK),
        (0.6, SlotState.TO_CONFIRM),
        (0.799, SlotState.TO_CONFIRM),
        (0.8, SlotState.ACCEPTED),
        (1.0, SlotState.ACCEPTED),
    ],
)
def test_confidence_decides_the_action(confidence: float, state: SlotState) -> None:
    assert Thresholds().grade(confidence) is state


NAMES = st.text("абвгдежзиклмнопрстуфхц", min_size=4, max_size=12).map(str.capitalize)


@given(NAMES, NAMES)
def test_name_that_shares_no_beginning_is_refused(said: str, claimed: str) -> None:
    assume(said.lower()[:3] != claimed.lower()[:3])
    assert fault("name", claimed, f"Меня зовут {said}")


@given(st.integers(21, 10**9), st.integers(21, 10**9))
def test_number_is_believed_only_in_its_own_message(said: int, claimed: int) -> None:
    assert (fault("people", str(claimed), f"нас {said} человек") == "") == (said == claimed)


@given(st.text(max_size=100), st.text(max_size=200))
def test_any_text_is_judged(value: str, message: str) -> None:
    assert isinstance(fault("name", value, message), str)
    assert fault("goal", value, message, "") != ""


@pytest.mark.parametrize(
    ("slot", "value", "message", "reason"),
    [
        ("Name", "x", "x", "no such field"),
        ("a" * 65, "x", "x", "no such field"),
        ("goal", " ", "x", "empty or too long"),
        ("goal", "x" * 1001, "x" * 1001, "empty or too long"),
        ("email", "anna@mail.ru", "anya@mail.ru", "a mail address does not stand in the message"),
        ("phone", "+79991234568", "8 999 123-45-67", "a phone number does not stand in the message"),
        ("contact", "@boris", "@anna_iv", "a link does not stand in the message"),
        ("people", "250", "нас 25", "a number does not stand in the message"),
        ("name", "Марина", "Я Мария", "a name does not stand in the message"),
        ("goal", "x" * 1000, "x" * 1000, ""),
        ("a" * 64, "x", "x", ""),
        ("name", "Анна", "Анне", ""),  # a common stem of three letters
        ("name", "Яна", "Яне", "a name does not stand in the message"),  # of two
        ("problem", "Я звоню сам", "звоню сам", ""),
        ("problem", "Сам звонит Иван", "сам звонит", "a name does not stand in the message"),
    ],
)
def test_reason_names_the_part_that_is_not_proven(slot: str, value: str, message: str, reason: str) -> None:
    assert fault(slot, value, message) == reason


@pytest.mark.parametrize(("confidence", "believed"), [(0.0, True), (1.0, True), (-0.01, False), (1.01, False)])
def test_confidence_of_nothing_and_of_all_is_a_share(confidence: float, believed: bool) -> None:
    reason = "" if believed else "the confidence is not between 0 and 1"
    assert find_fault(Finding("goal", "x", confidence, 1, "x"), "x") == reason


@pytest.mark.parametrize(("same", "reason"), [(4096, ""), (4095, "the quote does not stand in the message")])
def test_quote_is_compared_for_4096_characters(same: int, reason: str) -> None:
    quote = "x" * same + "y" * (4100 - same)
    assert fault("goal", "x", "x" * 4096, quote) == reason


def test_text_is_folded_for_comparison() -> None:
    assert fold("  «Ёж»\u00a0—\u200b № ＡＢ’s ") == '"еж" - no ab\'s'
    assert clean(" a\n\u200b b\u3000c ") == "a b c"
