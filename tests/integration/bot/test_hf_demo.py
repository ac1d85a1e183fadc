"""Open models over Hugging Face: one by choice, three side by side; without a key the stand-in says so."""

from pathlib import Path

import pytest

from beseda.core.errors import BrokenStreamError, UnavailableError
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import living_bot
from tests.parts.model_server import ModelServer, Reply


def _marked(message: dict[str, object]) -> list[str]:
    markup = message["reply_markup"]
    assert isinstance(markup, dict)
    return [button["text"] for row in markup["inline_keyboard"] for button in row if button["text"].startswith("✅")]


async def test_start_offers_the_models_with_the_default_marked(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "hf_demo") as living:
        anna = await living.user()
        await anna.say("/start")
        assert _marked(await anna.wait_reply()) == ["✅ llama3"]


async def test_model_is_chosen_by_button_and_start_goes_back(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="ok"), "hf_demo") as living:
        anna = await living.user()
        await anna.say("/model")
        await anna.wait_reply()
        await anna.press("qwen2")
        await anna.wait_for(lambda event: event["type"] == "edit" and _marked(event["message"]) == ["✅ qwen2"])
        await anna.say("Hi")
        assert "🤖 qwen2:" in (await anna.wait_reply())["text"]
        await anna.say("/start")
        await anna.wait_reply()
        await anna.say("Hi")
        assert "🤖 llama3:" in (await anna.wait_reply())["text"]


async def test_choosing_the_same_model_again_is_no_error(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="ok"), "hf_demo") as living:
        anna = await living.user()
        await anna.say("/model llama3")
        await anna.wait_reply()
        await anna.press("✅ llama3")
        await anna.press("✅ llama3")
        await anna.say("Hi")
        assert "🤖 llama3:" in (await anna.wait_reply())["text"]
        await living.settle()


@pytest.mark.parametrize("name", ["gpt-99", "<b>", "../etc"])
async def test_unknown_model_is_named_beside_the_known(tmp_path: Path, name: str) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "hf_demo") as living:
        anna = await living.user()
        await anna.say(f"/model {name}")
        reply = (await anna.wait_reply())["text"]
    assert name in reply
    assert "deepseek, llama3, qwen2" in reply


async def test_made_up_model_button_does_no_harm(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="ok"), "hf_demo") as living:
        anna = await living.user()
        person = {"id": anna.user_id, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
        message = {"message_id": 1, "date": 0, "chat": {"id": anna.user_id, "type": "private"}, "text": "x"}
        for data in ("model:none", "model", "model:"):
            query = {"id": "1", "from": person, "message": message, "chat_instance": "1", "data": data}
            await living.inject({"callback_query": query})
        await anna.say("Hi")
        assert "🤖 llama3:" in (await anna.wait_reply())["text"]
        await living.settle()


async def test_three_models_stand_side_by_side_and_one_may_fail(tmp_path: Path) -> None:
    model = ScriptedModel(["from deepseek", UnavailableError("down"), "from qwen2"])
    async with living_bot(tmp_path, model, "hf_demo") as living:
        anna = await living.user()
        await anna.say("/compare what is love?")
        texts = [(await anna.wait_reply())["text"] for _ in range(4)]
        await living.settle()
    assert "🤖 deepseek\n\nfrom deepseek" in texts
    assert "🤖 qwen2\n\nfrom qwen2" in texts
    assert "не ответила" in texts[3]
    assert "Быстрее всех" not in texts[3]  # it is not they who answered
    assert [request.messages[-1].content for request in model.requests] == ["what is love?"] * 3
    assert {(request.temperature, request.max_tokens) for request in model.requests} == {(0.7, 512)}


async def test_failed_comparison_is_compared_again_by_the_button(tmp_path: Path) -> None:
    down = UnavailableError("down")
    model = ScriptedModel([down, down, down], fallback="better")
    async with living_bot(tmp_path, model, "hf_demo") as living:
        anna = await living.user()
        await anna.say("/compare what is love?")
        await anna.wait_text("Ни одного ответа")
        await anna.press("🔄 Ещё раз")
        for _ in range(3):
            await anna.wait_text("better")
        await living.settle()
    assert [request.messages[-1].content for request in model.requests] == ["what is love?"] * 6


async def test_broken_answer_of_a_comparison_stays_with_a_note_and_is_not_remembered(tmp_path: Path) -> None:
    half = ScriptedAnswer(pieces=("love is a ",), error=BrokenStreamError("cut"))
    model = ScriptedModel([half, "one", "two"], fallback="next")
    async with living_bot(tmp_path, model, "hf_demo") as living:
        anna = await living.user()
        await anna.say("/compare what is love?")
        await anna.wait_text(error_text(BrokenStreamError).say("ru"))
        await living.settle()
        texts = [message["text"] for message in await anna.history()]
        await anna.say("and now?")
        await anna.wait_text("next")
    assert any("love is a" in text and error_text(BrokenStreamError).say("ru") in text for text in texts)
    assert not any("love is a" in message.content for message in model.requests[-1].messages)


async def test_comparison_of_nothing_takes_the_next_message_as_its_question(tmp_path: Path) -> None:
    down = UnavailableError("down")
    model = ScriptedModel([down, down, down], fallback="better")
    async with living_bot(tmp_path, model, "hf_demo") as living:
        anna = await living.user()
        await anna.say("/compare")
        assert "следующим сообщением" in (await anna.wait_reply())["text"]
        await anna.say("what is love?")
        await anna.wait_text("Ни одного ответа")
        await anna.press("🔄 Ещё раз")
        for _ in range(3):
            await anna.wait_text("better")
        await living.settle()
        await anna.say("and what is war?")
        await anna.wait_text("better")
        await living.settle()
    asked = [request.messages[-1].content for request in model.requests]
    assert asked == ["what is love?"] * 6 + ["and what is war?"]


async def test_without_a_key_the_demo_introduces_itself(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["ok"]), "hf_demo") as living:
        anna = await living.user()
        await anna.say("Hi")
        reply = (await anna.wait_reply())["text"]
    assert "HF_TOKEN" in reply
    assert "scripted:model" in reply


async def test_with_a_key_the_router_answers(tmp_path: Path) -> None:
    async with ModelServer() as server:
        server.default = Reply(text="from the router", cost=0.0012)
        keys = {"HF_TOKEN": "hf_for_tests", "HF_BASE_URL": server.base_url}
        async with living_bot(tmp_path, ScriptedModel(), "hf_demo", **keys) as living:
            anna = await living.user()
            await anna.say("Hi")
            reply = (await anna.wait_reply())["text"]
            await anna.say("/compare again")
            closing = (await anna.wait_text("модель"))["text"]
            await living.settle()
    assert reply.startswith("from the router")
    assert "HF_TOKEN" not in reply + closing
    assert "Быстрее всех" in closing
    assert "12+7" in reply
    assert len(server.requests) == 4


async def test_answer_that_costs_millionths_is_not_called_free(tmp_path: Path) -> None:
    async with ModelServer() as server:
        keys = {"HF_TOKEN": "hf_for_tests", "HF_BASE_URL": server.base_url}
        async with living_bot(tmp_path, ScriptedModel(), "hf_demo", **keys) as living:
            anna = await living.user()
            shown = []
            for cost in (0.0000214, 0.0000002, 0.0):
                server.default = Reply(text="ok", cost=cost)
                await anna.say("Hi")
                shown.append((await anna.wait_reply())["text"].rpartition("$")[2])
    assert shown == ["0.000021", "0.000001", "0.0000"]


async def test_stopped_answer_earns_no_praise(tmp_path: Path) -> None:
    async with ModelServer() as server:
        server.default = Reply(text=["Half ", "an answer"], cut_after=1, hang=True)
        keys = {"HF_TOKEN": "hf_for_tests", "HF_BASE_URL": server.base_url}
        async with living_bot(tmp_path, ScriptedModel(), "hf_demo", **keys) as living:
            anna = await living.user()
            await anna.say("/compare again")
            await server.wait_for_request(3)
            await anna.stop((await anna.wait_draft())["draft_id"])
            closing = (await anna.wait_text("модель"))["text"]
            await living.settle()
    assert "Быстрее всех" not in closing
    assert "≈0+" not in closing
