"""People talk to a bot whose model is a real llama.cpp server."""

from pathlib import Path

from beseda.core.clock import SystemClock
from beseda.http.client import HttpClient
from beseda.llm.registry import LLMSettings, choose_model
from tests.parts.living_bot import living_bot
from tests.parts.llama_server import find_free_port, running_llama

SENTENCE = "Привет! I am fine 😀."
LONG = "what is the weather today, погода сегодня? " * 60


async def test_conversation_outgrows_the_context_and_goes_on(
    tiny_model: Path, http: HttpClient, tmp_path: Path
) -> None:
    async with running_llama(tiny_model, literal=SENTENCE, context=4096) as url:
        model = await choose_model(LLMSettings(base_urls={"llamacpp": url}), SystemClock(), http)
        async with living_bot(tmp_path, model, "llama") as living:
            anna = await living.user()
            replies = []
            for number in range(10):
                await anna.say(f"{LONG} {number}")
                replies.append((await anna.wait_reply())["text"])

    assert all(SENTENCE in reply for reply in replies), replies


async def test_server_comes_back_and_the_next_message_is_answered(
    tiny_model: Path, http: HttpClient, tmp_path: Path
) -> None:
    port = find_free_port()
    settings = LLMSettings(base_urls={"llamacpp": f"http://127.0.0.1:{port}"})
    model = await choose_model(settings, SystemClock(), http)
    async with living_bot(tmp_path, model, "llama") as living:
        anna = await living.user()
        await anna.say("hello")
        away = (await anna.wait_reply())["text"]
        async with running_llama(tiny_model, port, literal=SENTENCE, context=4096):
            await anna.say("hello again")
            there = (await anna.wait_reply())["text"]

    assert SENTENCE not in away
    assert SENTENCE in there
