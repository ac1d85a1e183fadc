from dataclasses import replace

import pytest

from beseda.core.message import Message, Role
from beseda.http.endpoints import CHAT_ENDPOINTS, Endpoint
from beseda.llm.base import FinishReason, ModelRequest, TextDelta
from beseda.llm.demo import DemoModel
from beseda.testing.clock import ManualClock
from tests.parts.model_events import ask, listen


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(instant=True)


@pytest.fixture
def model(clock: ManualClock) -> DemoModel:
    return DemoModel(clock)


@pytest.mark.parametrize(
    ("said", "honest"), [("Как дела?", "я не нейросеть, а демо-режим"), ("How are you?", "I am not a model")]
)
async def test_demo_introduces_itself_in_the_language_of_the_message(model: DemoModel, said: str, honest: str) -> None:
    heard = await listen(model, ask(said))

    assert honest in heard.text
    assert f"> {said}" in heard.text


async def test_demo_explains_how_to_connect_a_model(model: DemoModel) -> None:
    text = (await listen(model)).text

    assert CHAT_ENDPOINTS[0].key_variable in text
    assert all(row.title in text for row in CHAT_ENDPOINTS if row.is_local)


@pytest.mark.parametrize("row", [row for row in CHAT_ENDPOINTS if row.name in {"hf", "gigachat", "llamacpp", "vllm"}])
async def test_demo_names_the_key_of_the_bot_s_endpoint(model: DemoModel, row: Endpoint) -> None:
    asked = replace(ask("Hello", system="You are a bot."), stands_for=row.name)
    first, second = [(await listen(model, asked)).text for _ in range(2)]

    needed = row.key_variable if row.needs_key else row.url_variable
    assert needed in first and needed in second
    assert CHAT_ENDPOINTS[0].key_variable not in first + second


async def test_demo_is_short_after_its_first_answer_in_a_chat(model: DemoModel) -> None:
    def asked(name: str, hour: int) -> ModelRequest:
        return ask("Как дела?", system=f"You are a bot. It is {hour}:00. The name of the person is {name}.")

    first = (await listen(model, asked("Анна", 9))).text
    second = (await listen(model, asked("Анна", 10))).text
    assert "я не нейросеть" in first
    assert "демо" in second and len(second) < 150
    assert (await listen(model, asked("Борис", 10))).text == first


async def test_demo_is_short_if_an_earlier_question_has_no_answer_of_a_model(model: DemoModel) -> None:
    system = Message(Role.SYSTEM, "You are a bot.")
    said = [Message(Role.USER, "Квартира рядом с метро"), Message(Role.USER, "А в центре?")]
    text = (await listen(model, ModelRequest([system, *said]))).text

    assert "демо" in text and len(text) < 150


async def test_topic_is_found_in_the_last_message_alone(model: DemoModel) -> None:
    said = [Message(Role.USER, "Расскажи о себе подробно"), Message(Role.USER, "формат")]

    assert "```python" in (await listen(model, ModelRequest(said))).text


@pytest.mark.parametrize("row", [row for row in CHAT_ENDPOINTS if row.key_page])
async def test_demo_in_russian_has_no_english_note_beside_the_page_for_keys(model: DemoModel, row: Endpoint) -> None:
    text = (await listen(model, replace(ask("Привет"), stands_for=row.name))).text

    assert row.key_page.split()[0] in text
    assert "(permission" not in text and "authorization key" not in text


async def test_demo_streams_for_about_two_seconds(model: DemoModel, clock: ManualClock) -> None:
    heard = await listen(model)

    assert sum(isinstance(event, TextDelta) for event in heard.events) > 20
    assert 1.5 <= clock.monotonic() <= 2.1


@pytest.mark.parametrize("said", ["покажи формат", "Format please"])
async def test_formatting_is_shown(model: DemoModel, said: str) -> None:
    text = (await listen(model, ask(said))).text

    assert all(mark in text for mark in ("**", "```python", "> ", "- ", "| --- |", "||", "](https://", "1. "))
    assert "{{" not in text


@pytest.mark.parametrize(("said", "word"), [("кнопки", "Кнопки"), ("show me buttons", "buttons")])
async def test_buttons_are_explained(model: DemoModel, said: str, word: str) -> None:
    assert word in (await listen(model, ask(said))).text


@pytest.mark.parametrize("said", ["ответь длинно", "a long one"])
async def test_long_answer_needs_several_messages(model: DemoModel, said: str) -> None:
    assert len((await listen(model, ask(said))).text) > 4096 + 2048


async def test_word_in_a_sentence_is_no_topic(model: DemoModel) -> None:
    assert "I am not a model" in (await listen(model, ask("how long does it take to answer"))).text


async def test_echo_carries_no_formatting(model: DemoModel) -> None:
    text = (await listen(model, ask("**hello** `code`\n```\n> x [a](http://b) ||s||" + "z" * 500))).text

    assert "> hello code x a (http://b) s zzz" in text
    assert "z" * 130 not in text


async def test_last_message_of_the_person_decides(model: DemoModel) -> None:
    said = [Message(Role.USER, "Привет"), Message(Role.ASSISTANT, "Да"), Message(Role.USER, "Hello")]

    assert "I am not a model" in (await listen(model, ModelRequest(said))).text


async def test_limit_of_tokens_is_kept(model: DemoModel) -> None:
    heard = await listen(model, ModelRequest([Message(Role.USER, "long")], max_tokens=10))

    assert (len(heard.text), heard.end.reason) == (30, FinishReason.LENGTH)


async def test_usage_costs_nothing(model: DemoModel) -> None:
    usage = (await listen(model)).end.usage

    assert (usage.cost, usage.estimated) == (0.0, True)
