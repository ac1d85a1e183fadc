"""What falls out of the window is summed up by a job, and the model reads it from then on."""

from pathlib import Path

from beseda.app_tasks import register_tasks
from beseda.core.clock import SystemClock
from beseda.core.errors import UnavailableError
from beseda.engine.files.model import FileOwner
from beseda.engine.jobs.model import JobRequest
from beseda.llm.base import ModelRequest
from beseda.llm.demo import DemoModel
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import LivingBot, living_bot
from tests.parts.model_events import said_in, told_in
from tests.parts.waiting import eventually

SUMMARY = "Anna has a cat called Barsik."


def is_memory(request: ModelRequest) -> bool:
    return request.messages[0].content.startswith("You keep the memory")


def spoken(model: ScriptedModel) -> list[ModelRequest]:
    """Return what the model was asked by the chat."""
    return [request for request in model.requests if not is_memory(request)]


def answer(request: ModelRequest) -> ScriptedAnswer:
    return ScriptedAnswer(pieces=(SUMMARY if is_memory(request) else "fine",))


async def talk(living: LivingBot, number: int) -> None:
    anna = await living.user()
    for _ in range(number):
        await anna.say("Tell me more")
        await anna.wait_reply()
    await living.settle()


async def ask_until_remembered(living: LivingBot, model: ScriptedModel) -> None:
    async def is_remembered() -> bool:
        await talk(living, 1)
        return SUMMARY in told_in(spoken(model)[-1])

    await eventually(is_remembered, within=60)


async def test_model_reads_facts_that_fell_out_of_the_window(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=answer)
    async with living_bot(tmp_path, model) as living:
        register_tasks(living.app)
        await talk(living, 16)
        await ask_until_remembered(living, model)
        asked = [request for request in model.requests if is_memory(request)]
        assert asked[0].temperature == 0.3
        assert "Person: Tell me more\nAssistant: fine" in asked[0].messages[1].content
        last = spoken(model)[-1]
        assert last.messages[1].content.endswith(SUMMARY)
        assert len(said_in(last)) == 9  # of ten, the answer whose question is gone is left out


async def test_short_conversation_is_not_summed_up(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=answer)
    async with living_bot(tmp_path, model) as living:
        register_tasks(living.app)
        await talk(living, 11)
        assert not [request for request in model.requests if is_memory(request)]


async def test_clearing_forgets_the_summary(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=answer)
    async with living_bot(tmp_path, model) as living:
        register_tasks(living.app)
        await talk(living, 16)
        await ask_until_remembered(living, model)
        anna = await living.user()
        await anna.say("/clear")
        await anna.wait_text("Стереть")
        await anna.press("🗑 Стереть")
        await anna.wait_text("чистого листа")
        await living.settle()
        await talk(living, 6)
        assert not any(SUMMARY in told_in(request) for request in spoken(model)[-6:])


async def test_forgetting_a_person_forgets_the_summary_immediately(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=answer)
    async with living_bot(tmp_path, model) as living:
        register_tasks(living.app)
        await talk(living, 16)
        await ask_until_remembered(living, model)
        anna = await living.user()
        await living.app.build_personal_data().forget(FileOwner("assistant", anna.user_id))
        await talk(living, 6)
        assert not any(SUMMARY in told_in(request) for request in spoken(model)[-6:])


async def test_model_that_fails_leaves_the_conversation_as_it_is(tmp_path: Path) -> None:
    def fail(request: ModelRequest) -> ScriptedAnswer:
        error = UnavailableError("down") if is_memory(request) else None
        return ScriptedAnswer(pieces=() if error else ("fine",), error=error)

    model = ScriptedModel(fallback=fail)
    async with living_bot(tmp_path, model) as living:
        register_tasks(living.app)
        await talk(living, 16)

        async def has_failed() -> bool:
            await talk(living, 1)
            return any(is_memory(request) for request in model.requests)

        await eventually(has_failed, within=60)
        await talk(living, 1)
        assert len(said_in(spoken(model)[-1])) == 9


async def test_demo_sums_nothing_up(tmp_path: Path) -> None:
    async with living_bot(tmp_path, DemoModel(SystemClock())) as living:
        jobs = living.app.engine.jobs
        register_tasks(living.app)
        payload = {"bot": "assistant", "conversation_id": 1, "window": 10, "model": ""}
        await jobs.enqueue(JobRequest(1, "conversation.summarise", payload, slot="light"))
        assert (await jobs.wait(1)).result == {"written": False}
