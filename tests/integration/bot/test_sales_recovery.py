"""A sale goes on where it stopped: what was read is not read into something else, what was not is read later."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from beseda.core.errors import UnavailableError
from beseda.features.leads.model import Lead
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import RunningSandbox, SandboxSettings, serve_sandbox
from tests.parts.living_bot import LivingBot, account, living_bot, run_bot
from tests.parts.sales import find, form, instructions, lead_of, selling_model
from tests.parts.waiting import eventually

SAID = "Разбираем заявки руками, бюджет 500 тысяч"
FORM = form(find("problems", "заявки руками"), find("budget", "500 тысяч", 0.7))


@asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[RunningSandbox]:
    async with serve_sandbox(SandboxSettings((account("sales"),), folder / "sandbox")) as sandbox:
        yield sandbox


async def _is_asked(model: ScriptedModel, requests: int) -> bool:
    return len(model.requests) >= requests


async def _count_changes(living: LivingBot, lead: Lead) -> int:
    events, _ = await living.app.features.leads.events(lead.id)
    return sum(bool(event.data.get("slots")) for event in events if event.type == "lead.changed")


async def test_extraction_done_before_a_crash_is_not_repeated(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        first = selling_model([FORM], [ScriptedAnswer(delay=60)])
        async with run_bot(tmp_path, first, sandbox, "sales") as living:
            anna = await living.user()
            await anna.say(SAID)
            await eventually(lambda: _is_asked(first, 2))
        second = selling_model([form(find("problems", "руками", 0.7))], ["after the restart"])
        async with run_bot(tmp_path, second, sandbox, "sales") as living:
            anna = await living.user()
            lead = await lead_of(living)
            assert [message["text"] for message in await anna.history()][-1] == "after the restart"
            assert (lead.slots["problems"].value, lead.slots["budget"].state) == ("заявки руками", "to_confirm")
            assert await _count_changes(living, lead) == 1
    assert all(request.schema is None for request in second.requests)
    assert "Правильно понимаю: бюджет" in instructions(second)[0]


async def test_message_left_unread_by_a_crash_is_read_with_the_turn(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        first = selling_model([ScriptedAnswer(delay=60)])
        async with run_bot(tmp_path, first, sandbox, "sales") as living:
            anna = await living.user()
            await anna.say(SAID)
            await eventually(lambda: _is_asked(first, 1))
        second = selling_model([FORM])
        async with run_bot(tmp_path, second, sandbox, "sales") as living:
            lead = await lead_of(living)
            assert lead.slots["problems"].value == "заявки руками"
            assert await _count_changes(living, lead) == 1


async def test_lost_memory_changes_nothing_that_is_known(tmp_path: Path) -> None:
    model = selling_model([form(find("name", "Анна")), form(find("name", "Аня")), form(find("name", "Анна"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        for words in ("Меня зовут Анна", "Лучше Аня"):
            await anna.say(words)
            await anna.wait_reply()
        await lead_of(living)
        desk = living.bot.runner.bot
        await desk.state.delete(f"sales:{desk.me.id}:{anna.user_id}:0")
        await anna.say("Так вот")
        await anna.wait_reply()
        assert (await lead_of(living)).slots["name"].value == "Аня"


async def test_failed_answer_is_tried_again_with_its_extraction(tmp_path: Path) -> None:
    model = selling_model([FORM], [UnavailableError("down"), "here I am"])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say(SAID)
        await anna.wait_text("сохранено")
        await living.settle()
        await anna.press("🔄 Ещё раз")
        await anna.wait_text("here I am")
        await living.settle()
    assert "- задача: заявки руками" in instructions(model)[1]


async def test_press_that_a_crash_cut_off_is_answered_once(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        forms = [form(find("phone", "+7 912 345-67-89"))]
        async with run_bot(tmp_path, selling_model(forms), sandbox, "sales") as living:
            anna = await living.user()
            await anna.say("Мой номер +7 912 345-67-89")
            await anna.wait_reply()
            await living.settle()
            await living.fault(kind="error", method="sendMessage", status=502, count=1000)
            await anna.press("✅ Да, сохраните")
            await eventually(lambda: _fails(living))
        async with run_bot(tmp_path, selling_model(), sandbox, "sales") as living:
            await living.clear_faults()
            anna = await living.user()
            lead = await lead_of(living)
            assert lead.phone == "+79123456789"
            assert [message["text"] for message in await anna.history()][-1].startswith("Спасибо, сохранил")
            assert sum(one.holds for one in await living.app.features.leads.consents(lead.id)) == 1


async def _fails(living: LivingBot) -> bool:
    return any(call["status"] == 502 for call in await living.calls("sendMessage"))


async def test_consent_is_asked_by_the_answer_that_arrives(tmp_path: Path) -> None:
    model = selling_model([form(find("phone", "+7 912 345-67-89"))], [UnavailableError("down"), "here I am"])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say("Мой номер +7 912 345-67-89")
        await anna.wait_text("сохранено")
        await living.settle()
        await anna.press("🔄 Ещё раз")
        assert "Можно я сохраню его" in (await anna.wait_text("here I am"))["text"]
        await living.settle()
        await anna.say("Хорошо")
        assert "Можно" not in (await anna.wait_reply())["text"]
