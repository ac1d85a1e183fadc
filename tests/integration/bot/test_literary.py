"""One question at three temperatures: side by side, each as it comes, and once whatever happens."""

import asyncio
from pathlib import Path

from beseda.core.errors import UnavailableError
from beseda.llm.base import ModelRequest
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, GROUP, account, living_bot, run_bot
from tests.parts.model_events import said_in
from tests.parts.waiting import eventually

LABELS = ["🧊 Температура 0.0", "🌤 Температура 0.7", "🔥 Температура 1.2"]


def _say_temperature(request: ModelRequest) -> ScriptedAnswer:
    return ScriptedAnswer(pieces=(f"written at {request.temperature}",), delay=0.05)


async def test_three_answers_with_their_temperature_and_a_line_on_the_difference(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=_say_temperature)
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        await anna.say("A lighthouse")
        texts = [(await anna.wait_reply())["text"] for _ in range(4)]
        await living.settle()
    assert sorted(texts[:3]) == sorted(
        f"{label}\n\nwritten at {value}" for label, value in zip(LABELS, (0.0, 0.7, 1.2), strict=True)
    )
    assert texts[3].startswith("📏 Слов: 0.0 — 2, 0.7 — 2, 1.2 — 2.")
    assert [request.temperature for request in model.requests] == [0.0, 0.7, 1.2]
    assert model.most_running == 3


async def test_answer_that_is_ready_does_not_wait_for_the_others(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("slow",), delay=30)
    model = ScriptedModel([slow, "quick", slow])
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        await anna.say("A lighthouse")
        assert (await anna.wait_reply())["text"] == f"{LABELS[1]}\n\nquick"


async def test_one_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    model = ScriptedModel(["first", UnavailableError("down"), "third"])
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        await anna.say("A lighthouse")
        texts = [(await anna.wait_reply())["text"] for _ in range(4)]
    assert f"{LABELS[1]}\n\n{error_text(UnavailableError).say('ru')}" in texts
    assert texts[3].startswith("📏 Слов: 0.0 — 1, 1.2 — 1.")


async def test_all_that_fail_offer_another_try(tmp_path: Path) -> None:
    down = UnavailableError("down")
    model = ScriptedModel([down, down, down], fallback="now it works")
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        await anna.say("A lighthouse")
        await anna.wait_text("Ни одного ответа")
        await anna.press("🔄 Ещё раз")
        for _ in range(3):
            await anna.wait_text("now it works")
        await anna.wait_text("слово в слово")
        await living.settle()
    assert [request.messages[-1].content for request in model.requests] == ["A lighthouse"] * 6


async def test_no_earlier_message_is_shown_to_the_model(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        for text in ("The first story.", "The second story."):
            await anna.say(text)
            await anna.wait_text("📏")
    assert [said_in(request) for request in model.requests] == [["The first story."]] * 3 + [["The second story."]] * 3
    assert [len(request.messages) for request in model.requests] == [3] * 6  # with the persona and the note


async def test_stop_ends_all_and_keeps_the_partial_answers(tmp_path: Path) -> None:
    endless = ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05)
    model = ScriptedModel(fallback=endless)
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        await anna.say("Go on for ever")
        draft = await anna.wait_draft()
        await anna.stop(draft["draft_id"])
        texts = [(await anna.wait_reply())["text"] for _ in range(4)]
        await living.settle()
    assert all("word word" in text for text in texts[:3])
    assert model.running == 0


async def test_growing_answers_of_a_group_become_the_final_ones(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("Once ", "upon ", "a ", "time"), delay=0.2, pause=0.6)
    async with living_bot(tmp_path, ScriptedModel([slow, "b", "c"]), "literary") as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@literary_bot a story")
        await anna.wait_text("📏", 20)
        await living.settle()
        texts = [message["text"] for message in await anna.history() if message["from"]["is_bot"]]
    assert f"{LABELS[0]}\n\nOnce upon a time" in texts
    assert len(texts) == 4


async def test_crash_in_the_middle_repeats_nothing_and_asks_only_missing_variants(tmp_path: Path) -> None:
    never = ScriptedAnswer(delay=600)
    async with serve_sandbox(SandboxSettings((account("literary"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(["first", never, "third"]), sandbox, "literary") as living:
            anna = await living.user()
            await anna.say("A lighthouse")
            await anna.wait_reply()
            await anna.wait_reply()
            await living.wait_until_stored(1)
        model = ScriptedModel(["second"])
        async with run_bot(tmp_path, model, sandbox, "literary") as living:
            anna = await living.user()
            await living.settle()
            texts = [message["text"] for message in await anna.history()][1:]
    assert [request.temperature for request in model.requests] == [0.7]
    assert sorted(texts[:2]) == sorted([f"{LABELS[0]}\n\nfirst", f"{LABELS[2]}\n\nthird"])
    assert texts[2] == f"{LABELS[1]}\n\nsecond"
    assert texts[3].startswith("📏 Слов: 0.0 — 1, 0.7 — 1, 1.2 — 1.")
    assert len(texts) == 4


async def test_answers_that_telegram_did_not_take_are_sent_after_a_restart(tmp_path: Path) -> None:
    async with serve_sandbox(SandboxSettings((account("literary"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(fallback=_say_temperature), sandbox, "literary") as living:
            await living.fault(kind="error", method="sendMessage", status=502, count=1000)
            anna = await living.user()
            await anna.say("A lighthouse")
            await living.wait_for_calls("sendMessage")
        again = ScriptedModel(fallback=_say_temperature)
        async with run_bot(tmp_path, again, sandbox, "literary") as living:
            await living.clear_faults()
            anna = await living.user()
            await living.settle()
            texts = [message["text"] for message in await anna.history()][1:]
    assert sorted(texts[:3]) == sorted(f"{label}\n\nwritten at {label.split()[-1]}" for label in LABELS)
    assert len(texts) == 4
    assert len(again.requests) < 3


async def test_variants_of_several_people_run_concurrently(tmp_path: Path) -> None:
    gate = ScriptedAnswer(pieces=("ok",), delay=0.5)
    model = ScriptedModel(fallback=gate)
    async with living_bot(tmp_path, model, "literary") as living:
        people = await asyncio.gather(living.user(), living.user(ANNA, f"group:{GROUP}"))
        for person in people:
            await person.say("@literary_bot go")

        async def are_all_running() -> bool:
            return model.most_running == 6

        await eventually(are_all_running)


async def test_group_answer_that_had_begun_is_edited_after_a_restart(tmp_path: Path) -> None:
    endless = ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05)
    place = f"group:{GROUP}"
    async with serve_sandbox(SandboxSettings((account("literary"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(["first", endless, endless]), sandbox, "literary") as living:
            anna = await living.user(ANNA, place)
            await anna.say("@literary_bot go")
            await anna.wait_text("first")
            begun = await anna.wait_text("word")
        async with run_bot(tmp_path, ScriptedModel(fallback=_say_temperature), sandbox, "literary") as living:
            anna = await living.user(ANNA, place)
            await living.settle()
            said = {item["message_id"]: item["text"] for item in await anna.history() if item["from"]["is_bot"]}
    assert len(said) == 4
    assert said[begun["message_id"]] == f"{LABELS[1]}\n\nwritten at 0.7"


async def test_person_who_blocks_the_bot_in_the_middle_ends_the_rest(tmp_path: Path) -> None:
    model = ScriptedModel(["first", ScriptedAnswer(pieces=("late",), delay=0.5), ScriptedAnswer(delay=600)])
    async with living_bot(tmp_path, model, "literary") as living:
        anna = await living.user()
        await anna.say("A lighthouse")
        await anna.wait_reply()
        await anna.block()
        await living.settle()
    assert model.running == 0


async def test_long_answers_come_whole(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(40))
    async with living_bot(tmp_path, ScriptedModel(fallback=text), "literary") as living:
        anna = await living.user()
        await anna.say("Tell me all")
        await anna.wait_text("📏", 30)
        await living.settle()
        said = "".join(message["text"] for message in (await anna.history())[1:])
    assert "".join(said.split()).count("".join(text.split())) == 3


async def test_crash_before_any_answer_asks_all_again(tmp_path: Path) -> None:
    never = ScriptedAnswer(delay=600)
    async with serve_sandbox(SandboxSettings((account("literary"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(fallback=never), sandbox, "literary") as living:
            anna = await living.user()
            await anna.say("A lighthouse")
            await living.wait_until_stored(1)
            await anna.wait_for(lambda event: event["type"] in {"typing", "draft"})
        model = ScriptedModel(fallback="again")
        async with run_bot(tmp_path, model, sandbox, "literary") as living:
            await living.settle()
    assert len(model.requests) == 3
