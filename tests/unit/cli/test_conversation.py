from datetime import UTC, datetime

import pytest

from beseda.cli.answer import Answer
from beseda.cli.repl.conversation import SessionConversation
from beseda.cli.repl.session import ChatSession, SessionMessage, start_session
from beseda.cli.repl.summary import sum_up
from beseda.core.clock import SystemClock
from beseda.core.errors import UnavailableError
from beseda.core.usage import Usage
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.measured_model import Counting, Measured

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def start(session: ChatSession | None = None) -> SessionConversation:
    return SessionConversation(session or start_session(NOW), SystemClock())


def say(conversation: SessionConversation, *questions: str, again: bool = False) -> None:
    for question in questions:
        answer = Answer("scripted:model", 0.0, text=f"на {question}")
        conversation.add_turn(question, answer, stopped=False, instead_of_last=again)


def told(conversation: SessionConversation, question: str = "?", *, again: bool = False) -> list[str]:
    messages = conversation.build_messages(question, instead_of_last=again)
    return [f"{message.role}: {message.content}" for message in messages]


def test_only_the_question_is_sent_at_first() -> None:
    assert told(start()) == ["user: ?"]


def test_system_message_is_one_and_first_after_any_history() -> None:
    conversation = start()
    say(conversation, "a")
    conversation.set_system("Be brief.")
    conversation.set_system("Be long.")
    conversation.fold("ИТОГ", tokens=1, kept_turns=1)
    head, *rest = told(conversation)
    assert head == "system: Be long.\n\nSummary of the conversation so far:\nИТОГ"
    assert rest == ["user: a", "assistant: на a", "user: ?"]


def test_summary_is_due_every_five_messages_and_stays_due() -> None:
    conversation = start()
    say(conversation, *"abcd")
    assert not conversation.is_summary_due()
    say(conversation, *"ef")
    assert conversation.is_summary_due()
    conversation.fold("первый", tokens=1)
    say(conversation, *"ghij")
    assert not conversation.is_summary_due()
    say(conversation, "k")
    assert conversation.is_summary_due()


async def test_summary_stands_for_earlier_messages_and_keeps_them() -> None:
    conversation, model = start(), ScriptedModel(["ПЕРВЫЙ", "ВТОРОЙ"])
    say(conversation, *"abcde")
    await sum_up(conversation, model, SystemClock())
    assert told(conversation)[1:] == ["user: d", "assistant: на d", "user: e", "assistant: на e", "user: ?"]
    say(conversation, *"fghij")
    await sum_up(conversation, model, SystemClock())
    asked = model.requests[1].messages[1].content
    assert "ПЕРВЫЙ" in asked and "user: d" in asked and "user: a" not in asked
    assert conversation.summary == "ВТОРОЙ"
    assert [m.content for m in conversation.session.messages if m.role == "user"] == list("abcdefghij")


async def test_history_that_does_not_fit_is_summed_up_in_pieces() -> None:
    conversation, counting = start(), Counting(1000)
    model = ScriptedModel([], fallback="кратко")
    say(conversation, *(letter * 250 for letter in "abcdefgh"))
    answer = await sum_up(conversation, Measured(counting, model), SystemClock(), size=1000)
    asked = [request.messages for request in model.requests]
    assert len(asked) > 3
    assert max(sum(len(message.content) for message in messages) for messages in asked) < 1000
    assert all("Summary so far:\nкратко" in messages[1].content for messages in asked[1:])
    assert all(letter * 100 in "".join(messages[1].content for messages in asked) for letter in "abcdef")
    assert conversation.summary == "кратко"
    assert answer is not None
    assert answer.usage.completion_tokens == 5 * len(asked)


async def test_summary_that_fails_changes_nothing() -> None:
    conversation = start()
    say(conversation, *"abcde")
    before = told(conversation)
    with pytest.raises(UnavailableError):
        await sum_up(conversation, ScriptedModel([UnavailableError("down")]), SystemClock())
    assert told(conversation) == before
    assert conversation.is_summary_due()


def test_summary_of_an_older_program_is_read() -> None:
    old = ChatSession("1", "", "", summary="о котах", messages=[SessionMessage("user", "кот?")])
    assert "о котах" in told(start(old))[0]
    log = [SessionMessage("user", "a"), SessionMessage("summary", "ИТОГ"), SessionMessage("user", "b")]
    assert told(start(ChatSession("1", "", "", messages=log)))[1:] == ["user: b", "user: ?"]


def test_other_answer_replaces_the_last_for_the_model_alone() -> None:
    conversation = start()
    say(conversation, "a", "b")
    assert told(conversation, "b", again=True) == ["user: a", "assistant: на a", "user: b"]
    say(conversation, "b", again=True)
    assert told(conversation).count("user: b") == 1
    assert [m.content for m in conversation.session.messages].count("на b") == 2
    assert conversation.session.user_turns == 2


def test_clear_leaves_the_instructions_and_nothing_else() -> None:
    conversation = start()
    conversation.set_system("Be brief.")
    say(conversation, "a", "b")
    conversation.add_usage(Usage(10, 5, 0.5))
    conversation.fold("ИТОГ", tokens=1)
    conversation.clear()
    session = conversation.session
    assert told(conversation) == ["system: Be brief.", "user: ?"]
    assert (session.title, session.summary, session.user_turns, session.total_cost) == ("", "", 0, 0.0)
