"""What people and models do that nobody hopes for: a plain sentence where there is one, and the others are served."""

from functools import partial
from pathlib import Path

import pytest

from beseda.core.errors import (
    BrokenStreamError,
    ContextTooLongError,
    FileTooLargeError,
    RefusedAnswerError,
    RemoteError,
    RepeatingAnswerError,
    TimedOutError,
    UnavailableError,
    UnsupportedInputError,
)
from beseda.llm.base import ObservedModel
from beseda.llm.fitting import InstructionsTooLongError
from beseda.llm.guard import AnswerGuard, GuardLimits
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import ANNA, living_bot
from tests.parts.media_samples import make_png
from tests.parts.model_events import said_in


@pytest.mark.parametrize(
    "text",
    [
        "x" * 4096,
        "😀👨‍👩‍👧‍👦🏳️‍🌈" * 20,
        "שלום עולם \u202eabc",
        "a\x00b\x07c\x1b[31md",
        "<b>not <i>closed & \\",
        "/unknown command",
    ],
    ids=["longest", "emoji", "rtl", "control", "markup", "unknown-command"],
)
async def test_any_text_is_answered_and_echoed_back_readable(tmp_path: Path, text: str) -> None:
    model = ScriptedModel(fallback=lambda request: "You said: " + request.messages[-1].content)
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say(text)
        assert (await anna.wait_reply())["text"].startswith("You said")
        await living.settle()
    assert not any(ord(char) < 32 for char in model.requests[0].messages[-1].content if char != "\n")


async def test_message_of_control_characters_alone_is_not_for_the_model(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await living.inject(_message(text="\x01\x02\x03"))
        assert (await anna.wait_reply())["text"] == error_text(UnsupportedInputError).say("ru")
    assert model.requests == []


@pytest.mark.parametrize("kind", ["photo", "document", "video"])
async def test_file_that_the_bot_cannot_read_is_declined(tmp_path: Path, kind: str) -> None:
    samples = {"photo": make_png(), "document": b"%PDF-1.4", "video": b"\x00\x00\x00\x18ftypmp42"}
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna = await living.user()
        await anna.send_file(samples[kind], kind, "../../etc/passwd")
        assert (await anna.wait_reply())["text"] == error_text(UnsupportedInputError).say("ru")


async def test_voice_over_20_megabytes_is_declined_with_the_limit(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna = await living.user()
        await anna.send_file(b"\x00" * (21 * 1024 * 1024), "audio", "long.mp3")
        assert (await anna.wait_reply())["text"] == error_text(FileTooLargeError).say("ru")


@pytest.mark.parametrize(
    "update",
    [
        {"purchased_paid_media": {"from": {"id": 1}}},
        {"something_new_in_2031": {"deep": [{"er": None}]}},
        {"message": {"message_id": "not a number"}},
        {"message": {"message_id": 5, "date": 0, "chat": {"id": 5, "type": "unheard-of"}, "from": {"id": 5}}},
        {"message": {"message_id": 5, "date": 0, "chat": {"id": 5, "type": "private"}, "new_chat_title": "x"}},
        {"callback_query": {"id": "1", "from": {"id": 5, "first_name": "x"}, "chat_instance": "1", "data": "ask:0"}},
        {"callback_query": "nonsense"},
        {"my_chat_member": None},
    ],
    ids=range(8),
)
async def test_strange_update_is_put_aside_and_the_next_is_served(tmp_path: Path, update: dict[str, object]) -> None:
    async with living_bot(tmp_path, ScriptedModel(["still here"])) as living:
        await living.inject(update)
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("still here")
        await living.settle()


@pytest.mark.parametrize(
    "data", ["retry:1", "retry:x", "retry:", "ask:99", "ask:x", "clear:yes", "clear", "stop:", "?"]
)
async def test_made_up_button_does_no_harm(tmp_path: Path, data: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(["still here"])) as living:
        person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
        chat = {"id": ANNA, "type": "private"}
        message = {"message_id": 1, "date": 0, "chat": chat, "text": "x"}
        query = {"id": "1", "from": person, "message": message, "chat_instance": "1", "data": data}
        await living.inject({"callback_query": query})
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("still here")
        await living.settle()


async def test_endless_answer_is_cut_and_marked(tmp_path: Path) -> None:
    words = tuple(f"word{number} " for number in range(20_000))
    model = ObservedModel(
        ScriptedModel([ScriptedAnswer(pieces=words)]), partial(AnswerGuard, limits=GuardLimits(max_characters=3000))
    )
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        assert "обрезал" in (await anna.wait_reply())["text"]


async def test_repeating_answer_is_stopped(tmp_path: Path) -> None:
    model = ObservedModel(
        ScriptedModel([ScriptedAnswer(pieces=("the same thing again and again. ",) * 2000)]), AnswerGuard
    )
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        reply = await anna.wait_reply()
        await living.settle()
        assert len(reply["text"]) < 4000
        assert reply["text"].endswith(error_text(RepeatingAnswerError).say("ru"))


async def test_broken_answer_keeps_its_words_with_a_note_and_a_button(tmp_path: Path) -> None:
    half = ScriptedAnswer(pieces=("Half of an ", "answer\n\n```python\nprint("), error=BrokenStreamError("cut"))
    model = ScriptedModel([half, "whole"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        reply = await anna.wait_reply()
        assert reply["text"] == f"Half of an answer\n\nprint(\n\n{error_text(BrokenStreamError).say('ru')}"
        assert [entity["type"] for entity in reply["entities"]] == ["pre", "italic"]
        await anna.press("🔄 Ещё раз")
        await anna.wait_text("whole")
    assert said_in(model.requests[1]) == ["Hi"]


@pytest.mark.parametrize("error", [TimedOutError("silent"), UnavailableError("gone")], ids=["silent", "gone"])
async def test_words_before_any_failure_stay_and_are_no_part_of_the_history(tmp_path: Path, error: RemoteError) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("Half of ",), error=error), "whole"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        assert (await anna.wait_reply())["text"] == f"Half of\n\n{error_text(BrokenStreamError).say('ru')}"
        await anna.say("again")
        await anna.wait_text("whole")
    assert said_in(model.requests[1]) == ["again"]


async def test_words_that_a_filter_stopped_are_not_kept(tmp_path: Path) -> None:
    half = ScriptedAnswer(pieces=("Half of an ", "ans"), error=RefusedAnswerError("filter"))
    model = ScriptedModel([half, "whole"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        assert (await anna.wait_reply())["text"] == error_text(RefusedAnswerError).say("ru")


@pytest.mark.parametrize(("error", "has_button"), [(InstructionsTooLongError, False), (ContextTooLongError, True)])
async def test_button_is_offered_only_if_another_try_can_help(
    error: type[ContextTooLongError], tmp_path: Path, *, has_button: bool
) -> None:
    async with living_bot(tmp_path, ScriptedModel([error("3000 tokens")])) as living:
        anna = await living.user()
        await anna.say("Hi")
        apology = await anna.wait_reply()
    assert apology["text"] == error_text(error).say("ru")
    assert ("reply_markup" in apology) is has_button


async def test_bug_in_the_model_is_apologised_for_and_the_next_message_is_served(tmp_path: Path) -> None:
    model = ScriptedModel()  # its script is over: LookupError, which nobody foresees
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("сломалось")
        model.add("fine again")
        await anna.say("Hi")
        await anna.wait_text("fine again")
        await living.settle()


async def test_pasted_text_that_telegram_cut_is_one_question(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="read")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("a" * 4096)
        await anna.say("b" * 4096)
        await anna.say("the end")
        await anna.wait_reply()
        await living.settle()
    assert [len(request.messages[-1].content) for request in model.requests] == [4096 * 2 + len("the end")]


async def test_bundle_of_forwards_is_one_question(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="read")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        for text in ("first", "second", "third"):
            await anna.say(text, forward_from={"first_name": "Пётр"})
        await anna.wait_reply()
        await living.settle()
    assert [request.messages[-1].content for request in model.requests] == [
        "> Пётр: first\n> Пётр: second\n> Пётр: third"
    ]


def _message(**fields: object) -> dict[str, object]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
    return {"message": {"message_id": 7, "date": 0, "chat": chat, "from": person, **fields}}
