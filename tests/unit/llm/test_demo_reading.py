"""How the demo fills in forms: what stands there, word for word, and nothing else."""

from typing import Any

import orjson
import pytest

from beseda.core.message import Message, Role
from beseda.features.sales.extraction import build_form
from beseda.llm.base import ModelRequest, ask_structured
from beseda.llm.demo import DemoModel
from beseda.llm.extraction_prompt import (
    DialogLine,
    ExtractionTopic,
    find_line,
    read_cues,
    read_page,
    read_topics,
    write_cue,
    write_page,
    write_topics,
)
from beseda.testing.clock import ManualClock
from tests.parts.model_events import listen

NAMES = ("name", "phone", "email", "company", "budget", "deadline", "volume", "problems", "size", "people")
TOPICS = [ExtractionTopic(name, f"the {name}", (f"Какая {name}?",)) for name in NAMES]


CONSENT = "Можно сохранить?"


async def fill_in(*lines: DialogLine) -> dict[str, Any]:
    told = write_topics([*TOPICS, ExtractionTopic("consent", "the consent", (CONSENT,))])
    messages = [Message(Role.SYSTEM, f"Read.\n{told}"), Message(Role.USER, write_page(lines))]
    found = await ask_structured(DemoModel(ManualClock(instant=True)), ModelRequest(messages), build_form(NAMES))
    return found.model_dump()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Меня зовут Анна Петрова, я из Твери", {"name": "Анна Петрова"}),
        ("My name is Chris", {"name": "Chris"}),
        ("звоните +7 (912) 345-67-89 днём", {"phone": "+7 (912) 345-67-89"}),
        ("anna@example.org", {"email": "anna@example.org"}),
        ("Я из компании «Ромашка»", {"company": "Ромашка"}),
        ("Мы ООО Ромашка, продаём цветы", {"company": "ООО Ромашка"}),
        ("Мы — ООО «Ромашка и Ко»", {"company": "ООО «Ромашка и Ко»"}),
        ('ООО "Ромашка"', {"company": 'ООО "Ромашка"'}),
        ("компания ООО Ромашка", {"company": "ООО Ромашка"}),
        ("ООО ромашка", {"company": "ООО ромашка"}),
        ("ИП Иванов Пётр", {"company": "ИП Иванов Пётр"}),
        ("Я из АО Северный Ветер. Нам пишут", {"company": "АО Северный Ветер"}),
        ("мы из фирмы Рога и Копыта", {"company": "Рога и Копыта"}),
        ("We are Acme Flowers Ltd, from Leeds", {"company": "Acme Flowers Ltd"}),
        ("our company is called Acme", {"company": "Acme"}),
        ("компания занимается доставкой", {}),
        ("ооо, здорово", {}),
        ("300 писем в день", {"volume": "300 писем в день"}),
        ("около 50 договоров за неделю", {"volume": "50 договоров за неделю"}),
        ("40 invoices a day", {"volume": "40 invoices a day"}),
        ("нас 120 человек", {"size": "120 человек"}),
        ("we have 30 employees", {"size": "30 employees"}),
        ("этим занимаются 5 человек", {"people": "5 человек"}),
        ("5 сотрудников разбирают почту", {"people": "5 сотрудников"}),
        ("Хотим автоматизировать разбор почты", {"problems": "автоматизировать разбор почты"}),
        ("тонем в письмах", {"problems": "тонем в письмах"}),
        ("we need to sort incoming mail", {"problems": "sort incoming mail"}),
        ("надо узнать цену", {}),
        ("бюджет до 500 тысяч рублей", {"budget": "до 500 тысяч рублей"}),
        ("about $5,000", {"budget": "about $5,000"}),
        ("нужно к концу декабря", {"deadline": "к концу декабря"}),
        ("within 2 weeks", {"deadline": "within 2 weeks"}),
        ("нужно до конца месяца", {"deadline": "до конца месяца"}),
        ("к концу следующего года", {"deadline": "к концу следующего года"}),
        ("успеть бы к пятнице", {"deadline": "к пятнице"}),
        ("до 15 мая", {"deadline": "до 15 мая"}),
        ("к маю", {"deadline": "к маю"}),
        ("в следующем месяце", {"deadline": "в следующем месяце"}),
        ("за два месяца", {"deadline": "за два месяца"}),
        ("we need it by Friday", {"deadline": "by Friday"}),
        ("by the end of the week", {"deadline": "by the end of the week"}),
        ("before May 5", {"deadline": "before May 5"}),
        ("next month", {"deadline": "next month"}),
        ("400 заявок в год", {"volume": "400 заявок в год"}),
        ("срок маячит", {}),
        ("400 заявок в день", {"volume": "400 заявок в день"}),
        ("Привет!", {}),
        ("Сколько это стоит?", {}),
    ],
)
async def test_value_with_a_form_is_found(said: str, found: dict[str, str]) -> None:
    form = await fill_in(DialogLine(5, Role.USER, said))
    assert {entry["slot"]: entry["value"] for entry in form["findings"]} == found
    assert all(entry["message"] == 5 and entry["quote"] in said for entry in form["findings"])


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("хаос в заявках", "хаос в заявках"),
        ("не знаю", None),
        ("нет", None),
        ("а у вас?", None),
        ("А что? Не понял", None),
        ("Хочу консультацию", None),
        ("I would like a consultation", None),
        ("Запишите меня на пн 23 ноября, 09:00", None),
        ("Book Mon 23 November, 09:00 for me", None),
        ("Подтверждаю встречу", None),
        ("🚫 Отозвать согласие", None),
        ("🙂🙂", None),
    ],
)
async def test_answer_to_a_question_is_its_value(said: str, value: str | None) -> None:
    form = await fill_in(DialogLine(0, Role.ASSISTANT, "Понятно. Какая problems?"), DialogLine(7, Role.USER, said))
    assert [entry["value"] for entry in form["findings"]] == ([] if value is None else [value])


async def test_answer_that_holds_other_values_is_the_answer_all_the_same() -> None:
    said = "Вручную разбираем входящую почту для всех отделов, 300 писем в день"
    form = await fill_in(DialogLine(0, Role.ASSISTANT, "Какая problems?"), DialogLine(7, Role.USER, said))
    assert {entry["slot"]: entry["value"] for entry in form["findings"]} == {
        "volume": "300 писем в день",
        "problems": said,
    }


async def test_number_of_people_is_found_after_its_question() -> None:
    form = await fill_in(DialogLine(0, Role.ASSISTANT, "Какая people?"), DialogLine(7, Role.USER, "120 человек"))
    assert {entry["slot"]: entry["value"] for entry in form["findings"]} == {"people": "120 человек"}


@pytest.mark.parametrize(
    ("said", "signals", "consent"),
    [
        ("Хочу консультацию", ["on_topic", "wants_consultation"], "none"),
        ("Это дорого", ["on_topic", "objects"], "none"),
        ("не нужна консультация", ["on_topic", "declines"], "none"),
        ("Спасибо!", [], "none"),
        ("Да, конечно", ["on_topic"], "yes"),
        ("Не против", ["on_topic"], "yes"),
        ("sure, go ahead", ["on_topic"], "yes"),
        ("Нет", ["on_topic"], "no"),
        ("да нет, не надо", ["on_topic"], "no"),
        ("don't", ["on_topic"], "no"),
        ("Нетривиально", ["on_topic"], "none"),
        ("🙂", [], "none"),
        ("Недавно", ["on_topic"], "none"),
        ("Данные есть", ["on_topic"], "none"),
    ],
)
async def test_wishes_and_consent_are_whole_words(said: str, signals: list[str], consent: str) -> None:
    form = await fill_in(DialogLine(0, Role.ASSISTANT, CONSENT), DialogLine(1, Role.USER, said))
    assert (form["signals"], form["consent"]) == (signals, consent)


@pytest.mark.parametrize(
    ("said", "consent"),
    [
        ("нет, лучше не храните мой номер", "no"),
        ("Удалите телефон", "no"),
        ("отзываю согласие", "no"),
        ("please delete my number", "no"),
        ("удалите дубли в таблице", "none"),
    ],
)
async def test_consent_is_taken_back_unasked(said: str, consent: str) -> None:
    form = await fill_in(DialogLine(1, Role.USER, said))
    assert form["consent"] == consent


async def test_yes_to_something_else_is_no_consent() -> None:
    asked, said = DialogLine(0, Role.ASSISTANT, CONSENT), DialogLine(1, Role.USER, "Мы из Твери")
    form = await fill_in(asked, said, DialogLine(0, Role.ASSISTANT, "Давно?"), DialogLine(2, Role.USER, "Да"))
    assert (form["consent"], form["findings"]) == ("none", [])


async def test_sentence_is_no_name() -> None:
    form = await fill_in(
        DialogLine(0, Role.ASSISTANT, "Какая name?"), DialogLine(7, Role.USER, "ну вот я даже думаю как сказать")
    )
    assert form["findings"] == []


async def test_unknown_form_comes_back_empty() -> None:
    schema = {
        "type": "object",
        "required": ["text", "parts"],
        "properties": {"text": {"type": "string"}, "parts": {"type": "array"}},
    }
    request = ModelRequest([Message(Role.USER, "Привет")], max_tokens=1, schema=schema)
    heard = await listen(DemoModel(ManualClock(instant=True)), request)
    assert orjson.loads(heard.text) == {"text": "", "parts": []}


async def test_demo_repeats_the_facts_and_names_itself_as_the_demo() -> None:
    told = f"Be kind.\n{write_cue('Какой у вас бюджет?')}\nAnd so on."
    messages = [Message(Role.SYSTEM, told), Message(Role.USER, "Привет")]
    heard = await listen(DemoModel(ManualClock(instant=True)), ModelRequest(messages))
    assert heard.text.startswith("Какой у вас бюджет?")
    assert "демо-режим" in heard.text


def test_page_is_read_as_it_was_written() -> None:
    lines = [DialogLine(3, Role.USER, "раз"), DialogLine(0, Role.ASSISTANT, "#9 person: два")]
    assert read_page(write_page(lines)) == lines
    assert read_page(write_page([DialogLine(3, Role.USER, "a\n#4 person: b")])) == [
        DialogLine(3, Role.USER, "a #4 person: b")
    ]
    assert read_topics(write_topics(TOPICS)) == TOPICS
    assert read_topics(write_topics([ExtractionTopic("a", "b\nc", ("d\ne?",))])) == [
        ExtractionTopic("a", "b c", ("d e?",))
    ]
    assert read_cues(write_cue("a\nb")) == ["a b"]


def test_long_message_is_laid_out_whole_and_a_long_answer_by_its_end() -> None:
    said, answer = f"{'а' * 4_000} +79123456789", f"{'б' * 4_000} Какой бюджет?"
    lines = read_page(write_page([DialogLine(0, Role.ASSISTANT, answer), DialogLine(3, Role.USER, said)]))
    assert lines[0].text.endswith("Какой бюджет?")
    assert len(lines[0].text) < 2_000
    assert lines[1].text == said


def test_quote_is_looked_for_in_the_persons_lines() -> None:
    lines = [
        DialogLine(1, Role.USER, "Мой  номер"),
        DialogLine(2, Role.ASSISTANT, "Какой бюджет"),
        DialogLine(3, Role.USER, "номер"),
    ]
    assert find_line(lines, 1, "мой номер") == lines[0]
    assert find_line(lines, 1, "номер") == lines[0]
    assert find_line(lines, 99, "номер") == lines[2]
    assert find_line(lines, 2, "бюджет") is None
    assert find_line(lines, 1, " ") is None
