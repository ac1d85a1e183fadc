"""What is sent is fitted into the context: counted where an estimate leaves a doubt, refused where it cannot fit."""

import pytest

from beseda.core.errors import ContextTooLongError, UnavailableError
from beseda.core.message import Message, Role
from beseda.llm.base import ModelWrapper
from beseda.llm.fitting import InstructionsTooLongError, find_context, fit_messages
from beseda.locales.errors import explain
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.measured_model import Counting, Measured

SYSTEM, QUESTION = Message(Role.SYSTEM, "Be kind."), Message(Role.USER, "And now?")


def talk(count: int, length: int = 100) -> list[Message]:
    roles = (Role.USER, Role.ASSISTANT)
    return [SYSTEM, *(Message(roles[n % 2], f"{n:03}" + "я" * (length - 3)) for n in range(count)), QUESTION]


async def test_short_talk_is_neither_cut_nor_counted() -> None:
    counting = Counting(8192)
    assert await fit_messages(talk(4), Measured(counting)) == talk(4)
    assert counting.counted == []


async def test_the_oldest_are_left_out_by_the_servers_count() -> None:
    shown = await fit_messages(talk(20), Measured(Counting(1000)))
    assert (shown[0], shown[-1]) == (SYSTEM, QUESTION)
    assert shown[1].role is Role.USER
    assert shown[1:-1] == talk(20)[-len(shown) + 1 : -1]
    assert 4 <= len(shown) <= 8


async def test_without_a_count_the_estimate_cuts_and_forbids_nothing() -> None:
    counting = Counting(1000, counts=False)
    assert len(await fit_messages(talk(60), Measured(counting))) < 61
    assert await fit_messages([SYSTEM, Message(Role.USER, "я" * 2500)], Measured(counting))
    with pytest.raises(ContextTooLongError):
        await fit_messages([SYSTEM, Message(Role.USER, "я" * 4000)], Measured(counting))


async def test_a_known_context_stands_above_the_servers() -> None:
    assert len(await fit_messages(talk(20), Measured(Counting(100_000)), context=1000)) < 21


@pytest.mark.parametrize("model", [None, ScriptedModel([]), Measured(Counting(0, UnavailableError("away")))])
async def test_text_without_a_known_context_is_not_cut(model: ModelWrapper | None) -> None:
    assert await fit_messages(talk(500), model) == talk(500)
    assert await find_context(model) is None


async def test_a_question_that_cannot_fit_is_refused_before_it_is_counted() -> None:
    counting = Counting(512)
    with pytest.raises(ContextTooLongError) as refused:
        await fit_messages([SYSTEM, Message(Role.USER, "x" * 4097)], Measured(counting))
    assert refused.value.detail == "4097 characters cannot fit into a context of 512 tokens"
    assert counting.counted == []


async def test_a_question_that_is_counted_as_too_long_is_refused() -> None:
    with pytest.raises(ContextTooLongError) as refused:
        await fit_messages([SYSTEM, Message(Role.USER, "x" * 600)], Measured(Counting(512)))
    assert not isinstance(refused.value, InstructionsTooLongError)


async def test_instructions_that_fill_the_context_are_named_as_the_reason() -> None:
    with pytest.raises(InstructionsTooLongError) as refused:
        await fit_messages([Message(Role.SYSTEM, "x" * 1400), QUESTION], Measured(Counting(512)))
    assert refused.value.detail == "1408 tokens for a context of 512, 1400 of them are instructions"
    assert "/clear" not in explain(refused.value, "ru") + explain(refused.value, "en")
