"""The servers that bots are measured between: honest where it matters, or the figures mean nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bench.crowd import Crowd, open_crowd
from bench.model_server import END, Tempo
from bench.telegram_server import TOKEN


class Client:
    """A bot that does what the test says."""

    def __init__(self, session: aiohttp.ClientSession, crowd: Crowd) -> None:
        self.crowd = crowd
        self._session = session

    async def call(self, method: str, **fields: Any) -> Any:
        url = f"{self.crowd.servers[0].url}/bot{TOKEN}/{method}"
        async with self._session.post(url, json=fields) as response:
            return (await response.json()).get("result")

    async def marks(self, **fields: Any) -> list[str]:
        """Return the first words of the messages that getUpdates gives."""
        return [update["message"]["text"].split()[0] for update in await self.call("getUpdates", **fields)]

    async def ask(self, text: str, **fields: Any) -> str:
        url = f"{self.crowd.servers[1].url}/v1/chat/completions"
        body = {"model": "bench", "messages": [{"role": "user", "content": text}], **fields}
        async with self._session.post(url, json=body) as response:
            return await response.text()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with open_crowd() as crowd, aiohttp.ClientSession() as session:
        yield Client(session, crowd)


async def test_updates_are_kept_until_the_offset_passes_them(client: Client) -> None:
    first, second = client.crowd.ask_once(2)
    both = [first.mark, second.mark]
    assert await client.marks() == both
    assert await client.marks() == both
    assert await client.marks(offset=first.update_id + 1) == [second.mark]
    assert await client.marks() == [second.mark]


async def test_limit_is_obeyed(client: Client) -> None:
    client.crowd.ask_once(3)
    assert len(await client.marks(limit=2)) == 2


async def test_waiting_poll_is_answered_by_the_next_message(client: Client) -> None:
    poll = asyncio.create_task(client.marks(timeout=30))
    await client.crowd.telegram.until_called("getUpdates")
    questions = client.crowd.ask_once(2)
    assert await poll == [question.mark for question in questions]


async def test_poll_of_a_bot_that_died_takes_nothing_along(client: Client) -> None:
    poll = asyncio.create_task(client.marks(timeout=30))
    await client.crowd.telegram.until_called("getUpdates")
    poll.cancel()
    await client.crowd.until_alone()
    (question,) = client.crowd.ask_once(1)
    assert await client.marks() == [question.mark]


async def test_poll_ends_empty_after_its_time(client: Client) -> None:
    assert await client.marks(timeout=0.01) == []


async def test_forms_are_read_as_well_as_json(client: Client) -> None:
    (question,) = client.crowd.ask_once(1)
    url = f"{client.crowd.servers[0].url}/bot{TOKEN}/sendMessage"
    form = {"chat_id": str(question.chat), "text": f"Ответ на {question.mark} & больше"}
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as response:
        assert (await response.json())["result"]["text"] == form["text"]
    assert len(question.answers) == 1


async def test_user_writes_again_only_when_answered(client: Client) -> None:
    client.crowd.start(1)
    assert len(client.crowd.questions) == 1
    (question,) = client.crowd.questions.values()
    await client.call("sendMessage", chat_id=question.chat, text=f"for {question.mark}: {END}")
    await client.call("sendMessage", chat_id=question.chat, text=f"again for {question.mark}: {END}")
    assert [len(item.answers) for item in client.crowd.questions.values()] == [2, 0]
    assert not await client.crowd.stop(within=0.0)


async def test_answer_that_grows_is_one_answer_and_done_when_whole(client: Client) -> None:
    (question,) = client.crowd.ask_once(1)
    sent = await client.call("sendMessage", chat_id=question.chat, text=f"for {question.mark}: wait")
    edit = {"chat_id": question.chat, "message_id": sent["message_id"], "text": f"for {question.mark}: {END}"}
    assert client.crowd.unanswered == [question]
    assert await client.call("editMessageText", **edit)
    assert not client.crowd.unanswered
    assert len(question.answers) == 1
    assert await client.call("editMessageText", **edit) is None, "nothing was modified"
    assert await client.call("editMessageText", **{**edit, "message_id": 999}) is None, "there is no such message"


async def test_second_message_that_stays_half_leaves_the_question_unanswered(client: Client) -> None:
    (question,) = client.crowd.ask_once(1)
    await client.call("sendMessage", chat_id=question.chat, text=f"for {question.mark}: {END}")
    await client.call("sendMessage", chat_id=question.chat, text=f"for {question.mark}: wait")
    assert client.crowd.unanswered == [question]


async def test_every_second_user_writes_in_a_group_and_names_the_bot() -> None:
    async with open_crowd(groups=True) as crowd, aiohttp.ClientSession() as session:
        crowd.ask_once(2)
        updates = await Client(session, crowd).call("getUpdates")
        kinds = {update["message"]["chat"]["type"]: update["message"]["text"].split()[0] for update in updates}
    assert kinds == {"private": "q1000-1", "supergroup": "@bench_bot"}


async def test_answer_to_another_sender_is_a_stray(client: Client) -> None:
    first, second = client.crowd.ask_once(2)
    await client.call("sendMessage", chat_id=second.chat, text=f"for {first.mark}")
    await client.call("sendMessage", chat_id=second.chat, text="Something went wrong")
    assert len(client.crowd.strays) == 2
    assert not first.answers


@pytest.mark.parametrize("stream", [False, True])
async def test_model_names_the_question_and_takes_its_time(client: Client, *, stream: bool) -> None:
    (question,) = client.crowd.ask_once(1)
    client.crowd.model.tempo = Tempo(0.03, 0.03, chunks=5)
    said = await client.ask(f"{question.mark} What?", stream=stream)
    assert question.mark in said
    assert 0.03 <= question.thought < 10
    assert said.count("data: {") == (7 if stream else 0)


async def test_path_without_a_route_is_not_found(client: Client) -> None:
    url = f"{client.crowd.servers[0].url}/bot{TOKEN}/sendMessages"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 404
