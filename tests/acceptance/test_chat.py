"""`beseda chat` as a person uses it: the real program in a pseudo-terminal, a scripted server as the model."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.chat_terminal import (
    ALT_ENTER,
    CTRL_C,
    CTRL_D,
    CTRL_R,
    DOWN,
    ENTER,
    TAB,
    Terminal,
    open_terminal,
)
from tests.acceptance.program import Program
from tests.parts.model_server import CONTEXT_TOO_LONG, ModelServer, Reply, refuse

READY = "Enter sends"  # of the line below the prompt
MEMORY = ".chat_memory.json"
OpenChat = Callable[..., AbstractAsyncContextManager[Terminal]]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def beseda(tmp_path: Path, server: ModelServer) -> Program:
    environ = {"OPENAI_API_KEY": "sk-of-the-tests-12345", "OPENAI_BASE_URL": server.base_url}
    return Program(tmp_path, {**environ, "BESEDA_MODEL": "openai:test/served-model", "BESEDA_LANG": "en"})


@pytest.fixture
def chat(beseda: Program) -> OpenChat:
    def start(*arguments: str, columns: int = 100, **environ: str) -> AbstractAsyncContextManager[Terminal]:
        return open_terminal(["chat", *arguments], beseda.folder, {**beseda.environ, **environ}, columns=columns)

    return start


def read_memory(folder: Path) -> dict[str, Any]:
    memory: dict[str, Any] = json.loads((folder / MEMORY).read_text("utf-8"))
    return memory


def list_said(server: ModelServer) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in server.requests[-1].body["messages"]]


async def test_chat_answers_counts_and_remembers(chat: OpenChat, server: ModelServer, tmp_path: Path) -> None:
    server.script(Reply(text=["Привет, ", "**мир**"], cost=0.25), Reply(text="И снова", cost=0.5, usage=(30, 2)))
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("как дела?")
        await terminal.expect("Привет, мир")
        await terminal.expect("12 tokens in, 7 out, $0.2500")
        terminal.send("ещё")
        await terminal.expect("conversation 51 tokens, $0.7500")
        assert list_said(server) == [("user", "как дела?"), ("assistant", "Привет, **мир**"), ("user", "ещё")]
        terminal.send("/exit")
        assert await terminal.wait() == 0
    (session,) = read_memory(tmp_path)["sessions"]
    assert [message["role"] for message in session["messages"]] == ["user", "assistant"] * 2
    assert (session["title"], session["user_turns"], session["total_input_tokens"]) == ("как дела?", 2, 42)
    assert '  "sessions": [\n    {\n      "session_id"' in (tmp_path / MEMORY).read_text("utf-8")
    assert "как дела?" in (tmp_path / MEMORY).read_text("utf-8")


async def test_ctrl_c_stops_the_answer_and_not_the_program(chat: OpenChat, server: ModelServer, tmp_path: Path) -> None:
    server.script(Reply(text=["Начало ", "никогда"], cut_after=1, hang=True), Reply(text="Дальше"))
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("расскажи")
        await terminal.expect("Начало")
        terminal.type(CTRL_C)
        await terminal.expect("[stopped; what was said is kept]")
        await server.wait_for_disconnect()
        await terminal.expect(READY)
        terminal.send("ну?")
        await terminal.expect("Дальше")
        await terminal.expect(READY)
        terminal.type(CTRL_D)
        assert await terminal.wait() == 0
    stopped = read_memory(tmp_path)["sessions"][0]["messages"][1]
    assert (stopped["content"].strip(), stopped["stopped"]) == ("Начало", True)


async def test_ctrl_c_twice_at_an_empty_prompt_leaves_and_saves(
    chat: OpenChat, server: ModelServer, tmp_path: Path
) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.type("половина" + CTRL_C)  # of a line: drops it
        terminal.send("вопрос")
        await terminal.expect("tokens in")
        await terminal.expect(READY)
        terminal.type(CTRL_C)
        await terminal.expect("Ctrl-C again")
        terminal.type(CTRL_C)
        assert await terminal.wait() == 0
    assert list_said(server) == [("user", "вопрос")]
    assert read_memory(tmp_path)["sessions"][0]["user_turns"] == 1


async def test_several_lines_are_written_in_three_ways(chat: OpenChat, server: ModelServer) -> None:
    async with chat() as terminal:
        for number, keys in enumerate(
            ["a" + ALT_ENTER + "b", "a\\" + ENTER + "b", '"""' + ENTER + "a\rb" + ENTER + '"""']
        ):
            await terminal.expect(READY)
            terminal.type(keys + ENTER)
            await server.wait_for_request(number + 1, timeout=20)
            assert list_said(server)[-1] == ("user", "a\nb")
            await terminal.expect("tokens in")


async def test_commands_are_completed_and_messages_searched(chat: OpenChat, server: ModelServer) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.type("/his")
        await terminal.expect("what the model remembers now")
        terminal.type(TAB + ENTER + ENTER)
        await terminal.expect("Nothing has been said yet.")
        await terminal.expect(READY)
        terminal.send("первый вопрос")
        await server.wait_for_request(1, timeout=20)
        await terminal.expect("tokens in")
        await terminal.expect(READY)
        terminal.type(CTRL_R + "перв")
        await terminal.expect("первый вопрос")
        terminal.type(ENTER)
        terminal.type(ENTER)
        await server.wait_for_request(2, timeout=20)
        assert list_said(server)[-1] == ("user", "первый вопрос")


async def test_failed_question_is_not_kept_and_can_be_asked_again(
    chat: OpenChat, server: ModelServer, tmp_path: Path
) -> None:
    server.script(refuse(401, {"message": "Incorrect API key provided", "code": "invalid_api_key"}))
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("вопрос")
        await terminal.expect("/retry asks it again")
        terminal.send("/history")
        await terminal.expect("Nothing has been said yet.")
        terminal.send("/retry")
        await terminal.expect("12 tokens in")
        terminal.send("/exit")
        assert await terminal.wait() == 0
    (session,) = read_memory(tmp_path)["sessions"]
    assert [message["role"] for message in session["messages"]] == ["user", "assistant"]
    assert session["user_turns"] == 1


async def test_chosen_session_goes_on_with_its_context(chat: OpenChat, server: ModelServer, tmp_path: Path) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("первая беседа")
        await terminal.expect("tokens in")
        terminal.send("/exit")
        await terminal.wait()
    async with chat() as terminal:
        shown = await terminal.expect("Which one to go on with (0–1)?")
        assert "0  a new conversation" in shown
        assert "первая беседа" in shown
        terminal.send("7")
        await terminal.expect("Type a number from 0 to 1.")
        terminal.send("/help")
        await terminal.expect("First type a number from 0 to 1")
        terminal.send("1")
        await terminal.expect(READY)
        terminal.send("вторая")
        await server.wait_for_request(2, timeout=20)
        assert list_said(server)[0] == ("user", "первая беседа")
        await terminal.expect("tokens in")
        terminal.send("/forget")
        await terminal.expect("is deleted")
        terminal.send("/exit")
        await terminal.wait()
    assert read_memory(tmp_path)["sessions"] == []


async def test_summary_comes_in_addition_and_one_system_message_first(
    chat: OpenChat, server: ModelServer, tmp_path: Path
) -> None:
    async with chat("--system", "Be brief.") as terminal:
        for number in range(1, 6):
            await terminal.expect(READY)
            if number == 5:
                server.script(Reply(text="пятый"), refuse(400, {"message": "no"}))
            terminal.send(f"вопрос {number}")
            await terminal.expect("conversation")
        await terminal.expect("Summing up failed")
        server.script(Reply(text="шестой"), Reply(text="КРАТКО"))
        terminal.send("вопрос 6")
        await terminal.expect("is summed up")
        terminal.send("вопрос 7")
        await terminal.expect("conversation")
        terminal.send("/exit")
        assert await terminal.wait() == 0
    said = list_said(server)
    assert said[0][0] == "system"
    assert "Be brief." in said[0][1] and "КРАТКО" in said[0][1]
    assert [text for role, text in said if role == "user"] == ["вопрос 5", "вопрос 6", "вопрос 7"]
    (session,) = read_memory(tmp_path)["sessions"]
    asked = [message["content"] for message in session["messages"] if message["role"] == "user"]
    assert asked == [f"вопрос {number}" for number in range(1, 8)]
    assert session["summary"] == "КРАТКО"


async def test_clear_empties_memory_and_context(chat: OpenChat, server: ModelServer, tmp_path: Path) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("секрет")
        await terminal.expect("tokens in")
        terminal.send("/clear")
        await terminal.expect("Cleared")
        (session,) = read_memory(tmp_path)["sessions"]
        assert (session["messages"], session["summary"], session["user_turns"]) == ([], "", 0)
        terminal.send("снова")
        await server.wait_for_request(2, timeout=20)
        assert list_said(server) == [("user", "снова")]


async def test_cap_asks_before_going_on(chat: OpenChat, server: ModelServer) -> None:
    async with chat("--cap-tokens", "25") as terminal:
        await terminal.expect(READY)
        terminal.send("раз")
        await terminal.expect("tokens in")
        terminal.send("два")
        await terminal.expect("the cap is 25")
        terminal.send("n")
        await terminal.expect("Not sent")
        assert len(server.requests) == 1
        terminal.send("/retry")
        await terminal.expect("the cap is 25")
        terminal.send("y")
        await server.wait_for_request(2, timeout=20)


async def test_context_is_watched(chat: OpenChat, server: ModelServer) -> None:
    async with chat("--context-tokens", "20") as terminal:
        await terminal.expect(READY)
        terminal.send("раз")
        await terminal.expect("The context is nearly full")
        terminal.send("/clear")
        await terminal.expect("Cleared")
        await terminal.expect(READY)
        terminal.send("много слов " * 30)
        await terminal.expect("Nothing was sent")
        assert len(server.requests) == 1


async def test_prompt_beyond_the_context_is_reported_and_nothing_lost(
    chat: OpenChat, server: ModelServer, tmp_path: Path
) -> None:
    server.script(Reply(), CONTEXT_TOO_LONG["openai"])
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("раз")
        await terminal.expect("tokens in")
        await terminal.expect(READY)
        terminal.send("два")
        await terminal.expect("more text than the model can read")
        terminal.send("/exit")
        await terminal.wait()
    assert read_memory(tmp_path)["sessions"][0]["user_turns"] == 1


async def test_models_are_compared_switched_and_answers_asked_again(
    chat: OpenChat, server: ModelServer, tmp_path: Path
) -> None:
    async with chat(columns=140) as terminal:
        await terminal.expect(READY)
        server.script(Reply(text="первый ответ"))
        terminal.send("вопрос")
        await terminal.expect("первый ответ")
        await terminal.expect(READY)
        terminal.send("/compare openai:a,openai:b,groq:c")
        await terminal.expect("first token")
        await terminal.expect("failed: GROQ_API_KEY")
        await terminal.expect("fastest:")
        await terminal.expect(READY)
        terminal.send("/model openai:other")
        await terminal.expect("From now on openai:other answers.")
        await terminal.expect(READY)
        server.script(Reply(text="второй ответ"))
        terminal.send("/retry")
        await terminal.expect("второй ответ")
        assert (list_said(server), server.requests[-1].body["model"]) == ([("user", "вопрос")], "other")
        await terminal.expect(READY)
        terminal.send("/model opnai:x")
        await terminal.expect("did you mean openai")
        await terminal.expect(READY)
        terminal.send("/sats")
        await terminal.expect("did you mean /stats?")
        await terminal.expect(READY)
        terminal.send("/copy")
        await terminal.expect("clipboard")
        terminal.send("/exit")
        await terminal.wait()
    contents = [message["content"] for message in read_memory(tmp_path)["sessions"][0]["messages"]]
    assert contents == ["вопрос", "первый ответ", "второй ответ"]


async def test_completion_goes_down_the_list(chat: OpenChat) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.type("/m")
        await terminal.expect("/model")
        terminal.type(DOWN + ENTER + ENTER)
        await terminal.expect("user_turns: 0")


async def test_pasted_lines_are_one_message(chat: OpenChat, server: ModelServer) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.type("\x1b[200~первая\nвторая\x1b[201~" + ENTER)
        await server.wait_for_request(1, timeout=20)
        assert list_said(server) == [("user", "первая\nвторая")]


async def test_choice_that_is_given_up_leaves_the_conversation_alone(
    chat: OpenChat, server: ModelServer, tmp_path: Path
) -> None:
    async with chat() as terminal:
        await terminal.expect(READY)
        terminal.send("раз")
        await terminal.expect("tokens in")
        await terminal.expect(READY)
        terminal.send("/load")
        await terminal.expect("Which one to go on with")
        terminal.type(CTRL_C)
        await terminal.expect(READY)
        terminal.send("два")
        await server.wait_for_request(2, timeout=20)
        assert list_said(server)[0] == ("user", "раз")
        await terminal.expect("tokens in")
        terminal.send("/exit")
        assert await terminal.wait() == 0
    assert [session["user_turns"] for session in read_memory(tmp_path)["sessions"]] == [2]


async def test_ctrl_c_before_the_first_word_and_while_summing_up(chat: OpenChat, server: ModelServer) -> None:
    async with chat() as terminal:
        for number in range(5):
            await terminal.expect(READY)
            server.script(*([Reply(hang=True)] if number == 0 else []))
            terminal.send(f"вопрос {number}")
            if number == 0:
                await server.wait_for_request(1, timeout=20)
                terminal.type(CTRL_C)
                await terminal.expect("/retry asks it again")
                await terminal.expect(READY)
                terminal.send("/retry")
            if number == 4:
                server.script(Reply(text="пятый"), Reply(hang=True))
            await terminal.expect("tokens in")
        await server.wait_for_request(7, timeout=20)
        terminal.type(CTRL_C)
        await server.wait_for_disconnect(2)
        await terminal.expect(READY)
        terminal.send("/exit")
        assert await terminal.wait() == 0


async def test_chat_speaks_russian(chat: OpenChat) -> None:
    async with chat(BESEDA_LANG="ru") as terminal:
        await terminal.expect("Беседа с моделью openai:test/served-model.")
        await terminal.expect("Enter отправит")
        terminal.send("/stats")
        await terminal.expect("Эта беседа: запросы 0")
