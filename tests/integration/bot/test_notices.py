"""Updates of our own: whoever stores one is heard in the chat's lane, in order and once."""

from pathlib import Path

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.engine.updates.model import StoredUpdate, internal_update
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import ANNA, LivingBot, living_bot
from tests.parts.waiting import eventually

_HANDLERS = """
from beseda.engine.router import Router

router = Router()


@router.notice("greet")
async def greet(context):
    await context.reply(f"{context.person.name}: {context.event.data['text']}")
"""
_BOT = """title: {ru: "T", en: "T"}
about: {ru: "A", en: "A"}
greeting: {ru: "Hi", en: "Hi"}
commands: [start]
window: 10
"""


def _make_bot(folder: Path) -> None:
    bot = folder / "bots" / "greeter"
    bot.mkdir(parents=True)
    (bot / "bot.yaml").write_text(_BOT)
    (bot / "persona_prompt.md").write_text("You greet.")
    (bot / "handlers.py").write_text(_HANDLERS)


def _notice(text: str, kind: str = "greet") -> StoredUpdate:
    conversation = Conversation(0, ChatKey("greeter", ANNA), ChatKind.PRIVATE)
    return internal_update("greeter", kind, conversation, Person(ANNA, "Anna"), {"text": text})


async def _ring(living: LivingBot, *updates: StoredUpdate) -> None:
    """Tell the bot of updates until it has heard: it may not be listening yet."""

    async def is_heard() -> bool:
        for update in updates:
            await living.app.engine.ephemeral.bus.publish("updates:greeter", {"update_id": update.update_id})
        return not await living.unfinished()

    await eventually(is_heard)


async def test_notice_is_handled_immediately(tmp_path: Path) -> None:
    _make_bot(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(), "greeter", BESEDA_LEASE="300") as living:
        anna = await living.user()
        notices = [_notice("one"), _notice("two")]
        await living.app.engine.updates.store(notices)
        await _ring(living, *notices)
        assert [(await anna.wait_reply())["text"] for _ in range(2)] == ["Anna: one", "Anna: two"]
        await living.settle()


async def test_notice_whose_hint_was_lost_is_found(tmp_path: Path) -> None:
    _make_bot(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(), "greeter", BESEDA_LEASE="1") as living:
        anna = await living.user()
        await living.app.engine.updates.store([_notice("one"), _notice("two")])
        assert [(await anna.wait_reply())["text"] for _ in range(2)] == ["Anna: one", "Anna: two"]


async def test_notice_waits_for_the_answer_before_it(tmp_path: Path) -> None:
    _make_bot(tmp_path)
    model = ScriptedModel([ScriptedAnswer(pieces=("answer",), delay=0.5)])
    async with living_bot(tmp_path, model, "greeter", BESEDA_LEASE="300") as living:
        anna = await living.user()
        await anna.say("question")
        await living.wait_until_stored(1)
        await living.app.engine.updates.store([notice := _notice("one")])
        await _ring(living, notice)
        assert [(await anna.wait_reply())["text"] for _ in range(2)] == ["answer", "Anna: one"]


async def test_notice_without_a_handler_is_finished(tmp_path: Path) -> None:
    _make_bot(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(), "greeter", BESEDA_LEASE="1") as living:
        await living.app.engine.updates.store([_notice("one", "unknown")])
        await living.settle()


async def test_telegram_cannot_bring_a_notice(tmp_path: Path) -> None:
    _make_bot(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(["answer"]), "greeter") as living:
        anna = await living.user()
        forged = {"beseda": {"kind": "greet", "chat": {"id": ANNA}, "user": {}, "data": {"text": "forged"}}}
        await living.inject(forged)
        await anna.say("question")
        await anna.wait_text("answer")
        await living.settle()
        assert [message["text"] for message in await anna.history()] == ["question", "answer"]
