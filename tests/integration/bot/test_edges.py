"""Where two things happen at once, or something is almost nothing."""

import asyncio
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from beseda.core.errors import BrokenStreamError, EmptyAnswerError, RateLimitedError
from beseda.core.message import Message, Role
from beseda.engine.middleware import RATES
from beseda.engine.polling import Poller
from beseda.engine.shards.leases import AllShards
from beseda.engine.shards.repository import EVERYTHING
from beseda.engine.updates.model import StoredUpdate, Tries
from beseda.engine.updates.repository import EVERYWHERE, Look, UpdateRepository
from beseda.locales.errors import error_text
from beseda.telegram.client import BotApi
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, FORUM, GROUP, account, living_bot, run_bot
from tests.parts.model_events import said_in
from tests.parts.waiting import eventually


@pytest.mark.parametrize("nothing", ["\u200b", "```\n```", "&nbsp;", "# ", "\u2800"], ids=ascii)
async def test_invisible_answer_is_a_reported_failure(tmp_path: Path, nothing: str) -> None:
    async with living_bot(tmp_path, ScriptedModel([nothing])) as living:
        anna = await living.user()
        await anna.say("Hi")
        reply = await anna.wait_reply()
        assert reply["text"] == error_text(EmptyAnswerError).say("ru")
        assert reply["reply_markup"]["inline_keyboard"]


async def test_press_beyond_the_limit_is_asked_to_wait_and_then_answered(tmp_path: Path) -> None:
    model = ScriptedModel(["the last one", "much"])
    async with living_bot(tmp_path, model, BESEDA_LIMITS="on") as living:
        clock = ManualClock()
        living.bot.runner.bot = replace(living.bot.runner.bot, clock=clock)
        anna = await living.user()
        await anna.say("/start")
        await anna.wait_reply()
        who = f"messages:{living.bot.runner.bot.me.id}:{ANNA}"
        for _ in range(RATES[0].limit - 2):
            assert await living.app.engine.ephemeral.limiter.hit(who, RATES) == 0
        await anna.say("one more")
        await eventually(lambda: _has_advanced(clock, model))
        await anna.wait_text("the last one")
        await anna.press("Что ты умеешь?")
        await living.wait_for_calls("answerCallbackQuery")
        await clock.wait_for_sleepers()
        await clock.advance(61)
        await anna.wait_text("much")
        await living.settle()
        pressed = await living.calls("answerCallbackQuery")
    assert pressed[0]["params"]["text"] == error_text(RateLimitedError).say("ru")
    assert len(model.requests) == 2


async def _has_advanced(clock: ManualClock, model: ScriptedModel) -> bool:
    await clock.advance(1)
    return len(model.requests) == 1


async def test_try_again_pressed_twice_asks_once_more(tmp_path: Path) -> None:
    down = ScriptedAnswer(error=BrokenStreamError("cut"))
    model = ScriptedModel([down, down], fallback="too much")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("Hi")
        notice = await anna.wait_reply()
        data = notice["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        person = {"id": ANNA, "is_bot": False, "first_name": "Анна"}
        for number in ("1", "2"):
            query = {"id": number, "from": person, "message": notice, "chat_instance": "1", "data": data}
            await living.inject({"callback_query": query})
        await anna.wait_reply()
        await living.settle()
    assert len(model.requests) == 2


@pytest.mark.parametrize("result", [[{}], [None], {"update_id": 1}, "x"], ids=repr)
async def test_answer_to_polling_that_is_no_updates_is_waited_out(tmp_path: Path, result: object) -> None:
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.json_response({"ok": True, "result": result})

    async def was_asked_again() -> bool:
        return calls > 1

    app = web.Application()
    app.router.add_post("/{token}/getUpdates", answer)
    async with living_bot(tmp_path, ScriptedModel()) as living, TestServer(app) as server:
        runner, desk = living.bot.runner, living.bot.runner.bot
        runner.bot = replace(desk, api=BotApi("1:x", server=str(server.make_url(""))))
        living.hurry()
        polling = asyncio.create_task(Poller(runner, living.clock).run())
        await eventually(was_asked_again)
        assert not polling.done()
        polling.cancel()
        await asyncio.wait([polling])
        await runner.bot.api.close()
        runner.bot = desk


async def test_command_of_another_bot_in_a_group_is_left_to_it(tmp_path: Path) -> None:
    model = ScriptedModel(["I am here"])
    async with living_bot(tmp_path, model) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("/weather tomorrow")
        await anna.say("/help")
        assert "/clear" in (await anna.wait_reply())["text"]
        await living.settle()
    assert model.requests == []


async def test_group_that_becomes_a_supergroup_is_followed_with_its_conversation(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="noted")
    async with living_bot(tmp_path, model) as living:
        anna, there = await living.user(ANNA, f"group:{GROUP}"), await living.user(ANNA, f"group:{FORUM}")
        await anna.say("@assistant_bot one")
        await anna.wait_text("noted")
        moved = "Bad Request: group chat was upgraded to a supergroup chat"
        await living.fault(method="sendMessage", kind="error", status=400, description=moved, migrate_to_chat_id=FORUM)
        await anna.say("@assistant_bot two")
        await there.wait_text("noted")
        chat = {"id": GROUP, "type": "group", "title": "x"}
        sender = {"id": ANNA, "is_bot": False, "first_name": "Анна"}
        service = {"message_id": 9, "date": 0, "chat": chat, "from": sender, "migrate_to_chat_id": FORUM}
        await living.inject({"message": service})
        await living.settle()
        await there.say("@assistant_bot three")
        await eventually(lambda: _has_asked(model, 3))
        await living.settle()
    heard = [words.partition(": ")[2] for words in said_in(model.requests[-1]) if words != "noted"]
    assert heard == ["one", "two", "three"]


async def test_answer_that_a_crash_kept_from_the_hot_window_is_remembered(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="noted")
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, model, sandbox) as living:
            anna = await living.user()
            await living.fault(kind="error", method="sendMessage", status=502, count=1000)
            await anna.say("one")
            await living.wait_for_calls("sendMessage")
        async with run_bot(tmp_path, model, sandbox) as living:
            await living.clear_faults()
            await living.settle()
            # What a Redis holds that was not told of the last exchange.
            await living.app.engine.ephemeral.history.append(f"chat_history:{ANNA}", [Message(Role.USER, "earlier")])
            anna = await living.user()
            await anna.say("two")
            await anna.wait_reply()
            await living.settle()
    assert said_in(model.requests[-1]) == ["one", "noted", "two"]


@dataclass
class _SlowLook(UpdateRepository):
    """An inbox whose look at what is left comes back late: `looked` is set when it has read, `go` lets it return."""

    store_of: UpdateRepository
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def store(
        self, updates: Sequence[StoredUpdate], *, earlier: Collection[str] = (), known: Container[int] = ()
    ) -> list[StoredUpdate]:
        return await self.store_of.store(updates, earlier=earlier, known=known)

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        await self.store_of.finish(bot, update_ids)

    async def note_tries(self, bot: str, tries: Mapping[int, Tries]) -> None:
        await self.store_of.note_tries(bot, tries)

    async def find(self, bot: str, update_id: int) -> StoredUpdate | None:
        raise NotImplementedError

    async def unfinished(
        self, bot: str, *, limit: int = 1000, after: int | None = None, look: Look = EVERYWHERE
    ) -> list[StoredUpdate]:
        found = await self.store_of.unfinished(bot, limit=limit, after=after, look=look)
        self.looked.set()
        await self.go.wait()
        return found

    async def purge(self, before: object) -> int:
        raise NotImplementedError


class _Arriving(AllShards):
    """Ground whose parts are another's, until they come to us."""

    is_shared = True
    held: frozenset[int] = frozenset()


async def test_message_stored_while_its_part_comes_to_us_is_answered_after_older_ones(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="hello")
    async with living_bot(tmp_path, model) as living:
        runner, ownership = living.bot.runner, _Arriving()
        anna = await living.user()
        await anna.say("zero")
        await anna.wait_text("hello")
        await living.settle()
        runner._ownership = ownership  # in place of what another process does, which takes luck to meet
        messages = [_write(900_001, "Here is one."), _write(900_002, "Here is two.")]
        await runner.take_in(messages[:1])

        class Meanwhile(_SlowLook):
            async def store(
                self, updates: Sequence[StoredUpdate], *, earlier: Collection[str] = (), known: Container[int] = ()
            ) -> list[StoredUpdate]:
                stored = await super().store(updates, earlier=earlier, known=known)
                ownership.held = EVERYTHING
                return stored

        inbox = runner.bot.updates
        meanwhile = Meanwhile(inbox)
        meanwhile.go.set()
        runner.bot = replace(runner.bot, updates=meanwhile)
        await runner.take_in(messages[1:])
        runner.bot = replace(runner.bot, updates=inbox)
        await runner.recover()
        await living.settle()
    assert [request.messages[-1].content for request in model.requests] == [
        "zero",
        "Here is one.",
        "Here is two.",
    ]


def _write(number: int, text: str) -> dict[str, object]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна"}
    chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
    return {
        "update_id": number,
        "message": {"message_id": number, "date": 0, "chat": chat, "from": person, "text": text},
    }


async def test_message_worked_off_while_a_sweep_looks_is_answered_once(tmp_path: Path) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("once",), delay=0.5)], fallback="twice")
    async with living_bot(tmp_path, model) as living:
        runner = living.bot.runner
        slow = _SlowLook(runner.bot.updates)
        runner.bot = replace(runner.bot, updates=slow)
        anna = await living.user()
        await anna.say("Hi")
        await living.wait_until_stored(1)
        sweep = asyncio.create_task(runner.recover())
        await slow.looked.wait()
        await anna.wait_text("once")
        await eventually(lambda: _is_idle(runner.pending))
        slow.go.set()
        assert await sweep == 0
        await living.settle()
    assert len(model.requests) == 1


async def test_update_that_a_sweep_finds_before_its_store_returns_is_answered_once(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="hello")

    class SweptStore(_SlowLook):
        async def store(
            self, updates: Sequence[StoredUpdate], *, earlier: Collection[str] = (), known: Container[int] = ()
        ) -> list[StoredUpdate]:
            stored = await super().store(updates, earlier=earlier, known=known)
            await living.bot.runner.recover()
            return stored

    async with living_bot(tmp_path, model) as living:
        runner = living.bot.runner
        swept = SweptStore(runner.bot.updates)
        swept.go.set()
        runner.bot = replace(runner.bot, updates=swept)
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_reply()
        await living.settle()
    assert len(model.requests) == 1


async def _is_idle(pending: int) -> bool:
    return not pending


async def _has_asked(model: ScriptedModel, times: int) -> bool:
    return len(model.requests) == times
