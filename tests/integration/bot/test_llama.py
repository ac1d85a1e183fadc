"""A person talks to the bot of a local model: a context of twenty, its counter, its reset, a server that is away."""

from pathlib import Path

import pytest

from beseda.core.errors import UnavailableError
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import SandboxUser
from tests.parts.living_bot import ANNA, CHRIS, living_bot
from tests.parts.llama_server import find_free_port, running_llama, write_tiny_model
from tests.parts.model_events import said_in
from tests.parts.model_server import ModelServer, Reply

RESET = "🔄 Сбросить контекст"


async def _exchange(user: SandboxUser, text: str) -> str:
    await user.say(text)
    return str((await user.wait_reply())["text"])


async def test_counter_fills_up_to_twenty_and_stays(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="ok"), "llama") as living:
        anna = await living.user()
        counters = [(await _exchange(anna, f"question {number}")).splitlines()[-1] for number in range(12)]
    assert counters == [f"💾 Контекст: {min(2 * number, 20)}/20" for number in range(1, 13)]


async def test_model_reads_the_last_twenty_from_a_question_on_and_never_the_counter(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="answer")
    async with living_bot(tmp_path, model, "llama") as living:
        anna = await living.user()
        for number in range(12):
            await _exchange(anna, f"question {number}")
    last = model.requests[-1].messages
    assert [message.content for message in last[2:4]] == ["question 2", "answer"]
    assert len(last) == 2 + 19
    assert {message.content for message in last[1:]} >= {"answer", "question 11"}
    assert not any("💾" in message.content for message in last)


async def test_button_under_the_answer_resets_the_context(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "llama") as living:
        anna = await living.user()
        await _exchange(anna, "remember this")
        await anna.press(RESET)
        assert (await anna.wait_text("чистого листа"))["text"].endswith("💾 Контекст: 0/20")
        assert (await _exchange(anna, "what did I say?")).endswith("2/20")
    assert said_in(model.requests[1]) == ["what did I say?"]


@pytest.mark.parametrize(("person", "button"), [(ANNA, RESET), (CHRIS, "🔄 Reset the context")])
async def test_start_resets_and_greets_with_the_button(tmp_path: Path, person: int, button: str) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "llama") as living:
        user = await living.user(person)
        await _exchange(user, "remember this")
        await user.say("/start")
        greeting = await user.wait_text("🦙")
        assert greeting["reply_markup"]["inline_keyboard"][-1][0]["text"] == button
        await _exchange(user, "and now?")
    assert len(said_in(model.requests[1])) == 1


async def test_server_that_is_away_is_apologised_for_with_another_try(tmp_path: Path) -> None:
    model = ScriptedModel([UnavailableError("connection refused"), "here I am"])
    async with living_bot(tmp_path, model, "llama") as living:
        anna = await living.user()
        assert "Проблема на стороне ИИ-модели" in await _exchange(anna, "Hi")
        await anna.press("🔄 Ещё раз")
        assert (await anna.wait_text("here I am"))["text"].endswith("2/20")


async def test_service_that_stands_in_is_named(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["from afar"], name="openai:some_model"), "llama") as living:
        anna = await living.user()
        said = await _exchange(anna, "Hi")
    assert said.startswith("from afar")
    assert "(LLAMA_SERVER_URL): отвечает openai:some_model" in said
    assert said.endswith("2/20")


async def test_own_server_answers_and_its_absence_ends_with_its_return(tmp_path: Path) -> None:
    async with ModelServer() as server:
        server.default = Reply(text="from the llama")
        async with living_bot(tmp_path, ScriptedModel(), "llama", LLAMA_SERVER_URL=server.url) as living:
            anna = await living.user()
            assert (await _exchange(anna, "Hi")).startswith("from the llama")
            await living.settle()
    assert len(server.requests) == 1


async def test_real_llama_cpp_that_comes_late_and_goes_is_talked_to_without_a_restart(tmp_path: Path) -> None:
    model, port = tmp_path / "tiny.gguf", find_free_port()
    write_tiny_model(model)
    url = f"http://127.0.0.1:{port}"
    async with living_bot(tmp_path, ScriptedModel(), "llama", LLAMA_SERVER_URL=url) as living:
        anna = await living.user()
        assert "Проблема на стороне ИИ-модели" in await _exchange(anna, "Hi")
        async with running_llama(model, port, literal="Here I am.", context=8192):
            await anna.press("🔄 Ещё раз")
            assert (await anna.wait_text("Here I am.", 30))["text"].endswith("💾 Контекст: 2/20")
            assert (await _exchange(anna, "And now?")).endswith("💾 Контекст: 4/20")
        assert "Проблема на стороне ИИ-модели" in await _exchange(anna, "Still there?")
