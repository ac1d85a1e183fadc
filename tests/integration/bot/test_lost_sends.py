"""Sends whose answer is lost: searched for, recorded where they arrived, else repeated once at most."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import LeaseLostError
from beseda.engine.turns.model import TurnKind
from beseda.engine.turns.question import Question
from beseda.engine.turns.service import PreparedReply
from beseda.llm.base import ModelRequest
from beseda.telegram.client import BotApi
from beseda.telegram.messenger import TelegramMessenger
from beseda.telegram.part import Media, MediaKind
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import RunningSandbox, SandboxSettings, serve_sandbox
from tests.parts.living_bot import (
    ANNA,
    BORIS,
    CHRIS,
    GROUP,
    TOKEN,
    LivingBot,
    account,
    living_bot,
    run_bot,
)
from tests.parts.losing_proxy import losing_proxy
from tests.parts.media_samples import make_png
from tests.parts.waiting import eventually

_WITHIN = 30.0


@asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[RunningSandbox]:
    async with serve_sandbox(SandboxSettings((account("assistant"),), folder / "sandbox")) as sandbox:
        yield sandbox


async def _settle(living: LivingBot) -> None:
    async def is_idle() -> bool:
        return not living.bot.runner.pending and not await living.unfinished()

    await eventually(is_idle, within=_WITHIN)


async def _texts(living: LivingBot, user: int = ANNA, dialog: str = "") -> list[str]:
    history = await (await living.user(user, dialog)).history()
    return [str(message.get("text", message.get("caption", ""))) for message in history]


@pytest.mark.parametrize("lost", [1, 4])
async def test_answer_lost_on_the_wire_is_not_sent_twice(tmp_path: Path, lost: int) -> None:
    model = ScriptedModel(["The answer."])
    async with living_bot(tmp_path, model, clock="hurried") as living:
        anna = await living.user()
        await living.fault(kind="drop_after", method="sendMessage", count=lost)
        await anna.say("hi")
        await anna.wait_reply()
        await _settle(living)
        assert await _texts(living) == ["hi", "The answer."]
        assert len(await living.calls("sendMessage")) == 1
        assert len(await living.calls("editMessageText")) == 1
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "fault", [{"kind": "drop_before"}, {"kind": "html", "status": 502}, {"kind": "error", "status": 504}]
)
async def test_answer_that_had_no_effect_is_sent_after_the_search(tmp_path: Path, fault: dict[str, object]) -> None:
    async with living_bot(tmp_path, ScriptedModel(["The answer."]), clock="hurried") as living:
        anna = await living.user()
        await living.fault(method="sendMessage", **fault)
        await anna.say("hi")
        await anna.wait_text("The answer.", timeout=_WITHIN)
        await _settle(living)
        assert await _texts(living) == ["hi", "The answer."]


async def test_search_is_off_if_another_program_sends(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["The answer."]), BESEDA_LOOKUP="off", clock="hurried") as living:
        anna = await living.user()
        await living.fault(kind="drop_after", method="sendMessage", count=4)
        await anna.say("hi")
        await living.wait_for_calls("sendMessage")
        await _settle(living)
        assert await _texts(living) == ["hi", "The answer.", "The answer."]
        assert await living.calls("editMessageText") == []


async def test_first_words_lost_in_a_group_leave_no_stop_button_behind(tmp_path: Path) -> None:
    words = ScriptedAnswer(pieces=tuple(f"word{number} " for number in range(16)), pause=0.2)
    async with living_bot(tmp_path, ScriptedModel([words]), clock="hurried") as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await living.fault(kind="drop_after", method="sendMessage")
        await anna.say("@assistant_bot go")
        await anna.wait_text("word15", timeout=_WITHIN)
        await _settle(living)
        sent = [message for message in await anna.history() if message["from"]["is_bot"]]
    assert len(sent) == 1
    assert "reply_markup" not in sent[0]


async def test_lost_send_of_a_process_that_died_is_found_by_the_next(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(["The answer."]), sandbox) as living:
            anna = await living.user()
            await living.fault(kind="drop_after", method="sendMessage")
            await anna.say("hi")
            await living.wait_for_calls("sendMessage")
        model = ScriptedModel()
        async with run_bot(tmp_path, model, sandbox) as living:
            await _settle(living)
            assert await _texts(living) == ["hi", "The answer."]
            assert len(await living.calls("sendMessage")) == 1
    assert model.requests == []


async def test_call_that_takes_effect_three_seconds_late_is_found(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox, losing_proxy(sandbox.base_url) as proxy:
        proxy.losing, proxy.late = 1, 3.0
        environ = {"TELEGRAM_API_URL": proxy.base_url}
        async with run_bot(tmp_path, ScriptedModel(["The answer."]), sandbox, **environ) as living:
            anna = await living.user()
            await anna.say("hi")
            await anna.wait_text("The answer.")
            await _settle(living)
            assert await _texts(living) == ["hi", "The answer."]


async def test_person_who_writes_on_meanwhile_is_answered_in_order(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model, clock="hurried") as living:
        anna = await living.user()
        await living.fault(kind="drop_after", method="sendMessage")
        await anna.say("Here is one.")
        await living.wait_for_calls("sendMessage")
        for text in ("Here is two.", "Here is three."):
            await anna.say(text)
        await anna.wait_text("re: Here is three.", timeout=_WITHIN)
        await _settle(living)
        answers = [message["text"] for message in await anna.history() if message["from"]["is_bot"]]
    assert answers == ["re: Here is one.", "re: Here is two.", "re: Here is three."]


async def test_other_chats_do_not_wait_for_a_search(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="hello"), clock="hurried") as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        await living.fault(kind="drop_after", method="sendMessage")
        await anna.say("hi")
        await living.wait_for_calls("sendMessage")
        await chris.say("hi")
        await chris.wait_text("hello", timeout=3.0)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_unrecorded_message_beside_the_lost_answer_does_not_swallow_it(tmp_path: Path, fault: str) -> None:
    async with (
        living_bot(tmp_path, ScriptedModel(["The answer."]), clock="hurried") as living,
        _other_program(living) as other,
    ):
        anna = await living.user()
        await other.call("sendMessage", chat_id=ANNA, text="A notice that stands in no row.")
        await living.fault(kind=fault, method="sendMessage")
        await anna.say("hi")

        async def is_lost() -> bool:
            return len(await living.calls("sendMessage")) == 2

        await eventually(is_lost)
        await other.call("sendMessage", chat_id=ANNA, text="A notice of the same shape.")
        await _settle(living)
        assert "The answer." in await _texts(living)
        assert len([text for text in await _texts(living) if text == "The answer."]) == 1


async def test_photo_lost_on_the_wire_is_found_by_its_caption(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["hello"]), clock="hurried") as living:
        anna = await living.user()
        await anna.say("hi")
        await anna.wait_text("hello")
        await living.fault(kind="drop_after", method="sendPhoto", count=4)
        await _send_photos(living, 1, "A *caption*")
        assert await _texts(living) == ["hi", "hello", "A caption"]
        assert len(await living.calls("sendPhoto")) == 1


@pytest.mark.parametrize(("number", "method"), [(2, "sendMediaGroup"), (1, "sendPhoto")])
async def test_album_and_photo_without_words_are_repeated_once_and_no_more(
    tmp_path: Path, number: int, method: str
) -> None:
    async with living_bot(tmp_path, ScriptedModel(), clock="hurried") as living:
        await living.fault(kind="drop_after", method=method, count=10)
        await _send_photos(living, number, "words" if number > 1 else "")
        assert len(await living.calls(method)) == 2
        assert await living.calls("editMessageCaption") == []


async def _send_photos(living: LivingBot, number: int, caption: str) -> None:
    desk = living.bot.runner.bot
    folder = tmp_folder(living)
    media = []
    for index in range(number):
        (folder / f"{index}.png").write_bytes(make_png(64, 64))
        media.append(Media(MediaKind.PHOTO, f"{index}.png", "photo.png"))
    person = Person(ANNA, "Anna")
    conversation = await desk.memory.conversations.open(ChatKey("assistant", ANNA), ChatKind.PRIVATE, "", person)
    question = Question(conversation, person, "", "en", kind=TurnKind.COMMAND)
    await desk.chat.say(question, PreparedReply(caption, media=media))


def tmp_folder(living: LivingBot) -> Path:
    """Return the folder of the files that the bot sends."""
    folder = living.bot.runner.bot.options.storage / "files"
    folder.mkdir(exist_ok=True)
    return folder


@asynccontextmanager
async def _other_program(living: LivingBot) -> AsyncIterator[BotApi]:
    async with BotApi(TOKEN, server=living.sandbox.base_url) as api:
        yield api


async def test_search_goes_on_after_a_flood_wait(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["The answer."]), clock="hurried") as living:
        anna = await living.user()
        await living.fault(kind="drop_after", method="sendMessage")
        await living.fault(kind="error", method="editMessageText", status=429, retry_after=1)
        await living.fault(kind="error", method="editMessageText", status=500)
        await living.fault(kind="drop_before", method="editMessageText")
        await anna.say("hi")
        await anna.wait_reply()
        await _settle(living)
        assert await _texts(living) == ["hi", "The answer."]
        assert len(await living.calls("editMessageText")) == 4


async def test_menu_with_keys_below_the_field_is_repeated_once_and_no_more(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "media", clock="hurried") as living:
        anna = await living.user()
        await living.fault(kind="drop_after", method="sendMessage", count=10)
        await anna.say("/start")
        await living.wait_for_calls("sendMessage")
        await _settle(living)
        assert len(await living.calls("sendMessage")) == 2
        assert await living.calls("editMessageText") == []


async def test_only_the_owner_of_a_chat_searches_in_it(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["The answer."]), clock="hurried") as living:
        messenger = living.bot.runner.bot.messenger
        assert isinstance(messenger, TelegramMessenger)
        anna, own = await living.user(), messenger.sender.guard
        await living.fault(kind="drop_after", method="sendMessage")
        await anna.say("hi")
        await living.wait_for_calls("sendMessage")
        refused: list[int] = []

        def refuse(chat_id: int) -> AbstractAsyncContextManager[None]:
            refused.append(chat_id)
            raise LeaseLostError("part 1 is another's")

        messenger.sender.guard = refuse

        async def is_left() -> bool:
            return bool(refused) and not living.bot.runner.pending

        await eventually(is_left, within=_WITHIN)
        assert await living.calls("editMessageText") == []
        messenger.sender.guard = own
        await living.bot.runner.recover(anew=True)
        await _settle(living)
        assert await _texts(living) == ["hi", "The answer."]


async def test_every_message_of_a_bot_stands_in_a_row(tmp_path: Path) -> None:
    def fail(_request: ModelRequest) -> str:
        raise ZeroDivisionError("a bug in a handler")

    async with living_bot(tmp_path, ScriptedModel(fallback=fail), clock="hurried") as living:
        anna = await living.user()
        for text in ("/start", "hi", "/mydata", "/help", "/clear"):
            await anna.say(text)
            await anna.wait_reply()
        await _settle(living)
        sent = [message["message_id"] for message in await anna.history() if message["from"]["is_bot"]]
        said = [message["message_id"] for message in await anna.history() if not message["from"]["is_bot"]]
    with closing(sqlite3.connect(tmp_path / "data" / "beseda.db")) as database:
        rows = database.execute("SELECT message_id, chat_id, bot FROM deliveries").fetchall()
        received = database.execute("SELECT message_id FROM updates WHERE message_box = 0").fetchall()
    assert sorted(rows) == [(number, ANNA, "assistant") for number in sent]
    assert sorted(received) == [(number,) for number in said]


async def test_answer_given_before_an_operator_came_is_delivered_all_the_same(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(["The answer."]), sandbox, clock="hurried") as living:
            await living.fault(kind="error", method="sendMessage", status=500, count=1000)
            anna = await living.user()
            await anna.say("hi")
            await living.wait_for_calls("sendMessage")
            conversations = living.bot.runner.bot.memory.conversations
            talk = await conversations.open(ChatKey("assistant", ANNA), ChatKind.PRIVATE, "", Person(ANNA, "Anna"))
            await living.app.features.takeovers.take(talk.id, "olga")
        async with run_bot(tmp_path, ScriptedModel(), sandbox, clock="hurried") as living:
            await living.clear_faults()
            await _settle(living)
            assert await _texts(living) == ["hi", "The answer."]


@pytest.mark.slow
async def test_replica_that_takes_chats_over_finds_the_sends_lost_by_the_other(tmp_path: Path) -> None:
    people = (ANNA, CHRIS, BORIS)
    async with _sandbox(tmp_path) as sandbox:
        model = ScriptedModel(fallback="The answer.")
        async with run_bot(tmp_path, model, sandbox) as staying:
            async with run_bot(tmp_path, model, sandbox):
                await eventually(lambda: _is_shared(tmp_path))
                await staying.fault(kind="drop_after", method="sendMessage", count=len(people))
                for person in people:
                    await (await staying.user(person)).say("hi")

                async def are_lost() -> bool:
                    return len(await staying.calls("sendMessage")) == len(people)

                await eventually(are_lost)
            await _settle(staying)
            assert [await _texts(staying, person) for person in people] == [["hi", "The answer."]] * len(people)
            assert len(await staying.calls("sendMessage")) == len(people)
    assert len(model.requests) == len(people)


async def _is_shared(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "data" / "beseda.db")) as database:
        (owners,) = database.execute("SELECT owners FROM territories").fetchone()
    return len(set(json.loads(owners)) - {""}) == 2
