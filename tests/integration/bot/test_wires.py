"""What a model's server puts on the wire, and what a person sees of it: a bot over a scripted server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from beseda.core.clock import SystemClock
from beseda.core.errors import BrokenStreamError, ThoughtsOnlyError
from beseda.http.client import HttpClient
from beseda.llm.base import Timeouts
from beseda.llm.prompt import NOTES
from beseda.llm.registry import LLMSettings, build_model
from beseda.locales.errors import error_text
from tests.parts.living_bot import LivingBot, living_bot
from tests.parts.model_server import SERVED_MODEL, ModelServer, Reply, build_chunk

PATIENT = Timeouts(first_token=30.0, idle=30.0)


@asynccontextmanager
async def bot_at_server(
    folder: Path, name: str = "assistant", endpoint: str = "vllm"
) -> AsyncIterator[tuple[LivingBot, ModelServer]]:
    """Run a bot whose model is at a scripted server."""
    async with ModelServer() as server:
        http = HttpClient()
        settings = LLMSettings(base_urls={endpoint: server.base_url}, timeouts=PATIENT)
        model = build_model(f"{endpoint}:{SERVED_MODEL}", settings, SystemClock(), http)
        try:
            async with living_bot(folder, model, name) as living:
                yield living, server
        finally:
            await http.close()


def said_before(server: ModelServer) -> list[tuple[str, str]]:
    """Return the roles and words of the last request but the system message, notes and the question."""
    messages: list[dict[str, Any]] = server.requests[-1].body["messages"]
    said = [(one["role"], _leave_out_notes(one["content"])) for one in messages[1:-1]]
    return [(role, words) for role, words in said if words]


def _leave_out_notes(text: str) -> str:
    return text.partition("\n\n")[2] if text.startswith(NOTES) else text


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>Пользователь здоровается</think>\n\nПривет!"],
        ["\n<th", "ink>x</thi", "nk>\n\nПривет!"],
        ["Думаю…\n", "</think>\n\nПривет!"],
        ["<|channel|>analysis<|mess", "age|>x<|end|><|start|>assistant<|channel|>final<|message|>При", "вет!"],
        ["[THINK]x[/THI", "NK]Привет!"],
        ['Привет!\n<tool_call>\n{"name": "f"', "}\n</tool_call>"],
    ],
    ids=["whole", "pieces", "unopened", "channel", "brackets", "call"],
)
async def test_thought_is_neither_shown_nor_kept(tmp_path: Path, pieces: list[str]) -> None:
    async with bot_at_server(tmp_path) as (living, server):
        server.script(Reply(text=pieces, chunk_delay=0.05), Reply(text="Пока!"))
        anna = await living.user()
        await anna.say("Привет")
        assert (await anna.wait_reply())["text"].strip() == "Привет!"
        await anna.say("Пока")
        await anna.wait_text("Пока!")
    assert [(role, text.strip()) for role, text in said_before(server)] == [
        ("user", "Привет"),
        ("assistant", "Привет!"),
    ]


async def test_marks_within_code_are_shown(tmp_path: Path) -> None:
    async with bot_at_server(tmp_path) as (living, server):
        server.script(Reply(text=["Так: `<thi", "nk>` и `</think>`."]))
        anna = await living.user()
        await anna.say("Привет")
        assert (await anna.wait_reply())["text"] == "Так: <think> и </think>."


@pytest.mark.parametrize(
    "reply",
    [Reply(text=[], reasoning="Хм."), Reply(text=["<think>Долго думаю"], finish="length")],
    ids=["field", "text"],
)
async def test_reasoning_without_an_answer_is_reported_as_such_and_tried_once_more(
    tmp_path: Path, reply: Reply
) -> None:
    async with bot_at_server(tmp_path) as (living, server):
        server.default = reply
        anna = await living.user()
        await anna.say("Привет")
        assert (await anna.wait_reply())["text"] == error_text(ThoughtsOnlyError).say("ru")
    assert len(server.requests) == 2


@pytest.mark.parametrize("hang", [False, True], ids=["reset", "silence"])
async def test_break_after_the_end_costs_no_answer(tmp_path: Path, hang: bool) -> None:
    end = build_chunk(delta={}, finish_reason="stop")
    async with bot_at_server(tmp_path) as (living, server):
        broken = Reply(
            raw=[build_chunk(delta={"content": "Привет!"}), end, b""], cut_after=2, hang=hang, chunk_delay=0.05
        )
        server.script(broken, Reply(text="Пока!"))
        anna = await living.user()
        await anna.say("Привет")
        assert (await anna.wait_reply())["text"] == "Привет!"
        await anna.say("Пока")
        await anna.wait_text("Пока!")
    assert said_before(server) == [("user", "Привет"), ("assistant", "Привет!")]


async def test_break_in_mid_answer_leaves_the_partial_answer(tmp_path: Path) -> None:
    words = " ".join(f"слово{number}" for number in range(80))
    async with bot_at_server(tmp_path) as (living, server):
        server.script(Reply(text=[words, "и ещё"], cut_after=1, chunk_delay=0.5))
        anna = await living.user()
        await anna.say("Привет")
        reply = await anna.wait_reply()
    assert reply["text"] == f"{words}\n\n{error_text(BrokenStreamError).say('ru')}"
    assert reply["reply_markup"]["inline_keyboard"][0][0]["text"] == "🔄 Ещё раз"


async def test_halves_of_a_character_and_odd_numbers_cost_no_answer(tmp_path: Path) -> None:
    chunks = [
        b'data: {"choices": [{"delta": {"content": "\xd0\x94\xd0\xb0 \\ud83d"}, "logprobs": {"x": -Infinity}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "\\ude00!"}, "finish_reason": "stop"}]}\n\n',
    ]
    async with bot_at_server(tmp_path) as (living, server):
        server.script(Reply(raw=chunks, chunk_delay=0.05, headers={"Content-Type": "application/json"}))
        anna = await living.user()
        await anna.say("Привет")
        assert (await anna.wait_reply())["text"] == "Да 😀!"


@pytest.mark.parametrize("name", ["assistant", "llama"])
async def test_long_conversation_begins_with_a_user_and_alternates(tmp_path: Path, name: str) -> None:
    async with bot_at_server(tmp_path, name) as (living, server):
        anna = await living.user()
        for number in range(1, 13):
            server.script(Reply(text=f"Ответ {number}."))
            await anna.say(f"Вопрос {number}")
            await anna.wait_text(f"Ответ {number}.")
    for request in server.requests:
        roles = [message["role"] for message in request.body["messages"]]
        assert roles == ["system", *["user", "assistant"] * len(roles)][: len(roles)]
        assert roles[-1] == "user"
    assert server.requests[-1].body["messages"][-1]["content"].endswith("Вопрос 12")
