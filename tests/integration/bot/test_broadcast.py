"""Broadcasts to a crowd in the sandbox: paced, once each, and only to those who want them."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from beseda.core.errors import BroadcastBusyError, BroadcastStateError, StorageError
from beseda.core.time_zones import QuietHours
from beseda.engine.flood_waits.repository import FloodWaitRepository
from beseda.features.broadcasts.model import (
    Audience,
    Broadcast,
    BroadcastContent,
    BroadcastPlan,
    BroadcastState,
    NewBroadcast,
    RecipientState,
)
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.broadcasts.subscriptions import SubscriptionRepository
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.crowd import block, count_received, gather_crowd
from tests.parts.living_bot import BORIS, GROUP, LivingBot, living_bot
from tests.parts.waiting import eventually

DONE = BroadcastState.DONE
NEWS = NewBroadcast("assistant", "News", BroadcastContent({"ru": "**Новости** дня", "en": "News of the day"}))
PHOTO = (Path(__file__).parents[2] / "samples" / "photo" / "dull.jpg").read_bytes()


async def start(living: LivingBot, new: NewBroadcast = NEWS) -> Broadcast:
    broadcasts = living.app.features.broadcasts
    return await broadcasts.start((await broadcasts.create(new)).id)


async def wait_for(
    living: LivingBot, broadcast: Broadcast, state: BroadcastState = DONE, *, within: float = 30
) -> Broadcast:
    async def is_there() -> bool:
        return (await living.app.features.broadcasts.find(broadcast.id)).state is state

    await eventually(is_there, within=within)
    return await living.app.features.broadcasts.find(broadcast.id)


async def wait_for_audience(living: LivingBot, number: int) -> None:
    async def is_that_large() -> bool:
        return await living.app.features.broadcasts.store.count_audience("assistant", Audience()) == number

    await eventually(is_that_large)


async def test_crowd_is_sent_to_once_each_at_the_rate(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 300)
        anna = await living.user()
        await anna.call("PUT", "/flood", json={"enabled": True})
        began = time.monotonic()
        done = await wait_for(living, await start(living))
        took = time.monotonic() - began
        received = await count_received(living, "Новости")
        floods = await FloodWaitRepository(living.app.engine.database, living.app.engine.clock).count(
            datetime.now(UTC) - timedelta(hours=1)
        )
    assert received == dict.fromkeys(people, 1)
    assert (done.counts.total, done.counts.sent, floods) == (300, 300, 0)
    assert took >= 299 / 25


async def test_people_read_their_language_with_a_link_and_a_way_out(tmp_path: Path) -> None:
    content = replace(NEWS.content, button={"ru": "Сайт"}, url="https://example.org/")
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna, chris = await living.user(), await living.user(7000000002)
        for user in (anna, chris):
            await user.say("/start")
            await user.wait_reply()
        await start(living, replace(NEWS, content=content))
        said = await anna.wait_text("Новости дня")
        await chris.wait_text("News of the day")
        labels = [button["text"] for row in said["reply_markup"]["inline_keyboard"] for button in row]
    assert said["entities"][0]["type"] == "bold"
    assert labels == ["Сайт", "🔕 Больше не присылать"]


async def test_person_opted_out_gets_no_more_until_they_want_to(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        anna = await living.user()
        await anna.say("/start")
        await anna.wait_reply()
        await wait_for(living, await start(living))
        await anna.press("🔕 Больше не присылать")
        await living.wait_for_calls("answerCallbackQuery")
        await living.settle()
        assert (await wait_for(living, await start(living))).counts.total == 0
        await anna.say("/subscribe")
        await anna.wait_text("буду присылать")
        assert (await wait_for(living, await start(living))).counts.sent == 1
        await anna.say("/unsubscribe")
        await anna.wait_text("рассылок больше не будет")
        assert (await wait_for(living, await start(living))).counts.total == 0


async def test_stranger_who_presses_the_button_is_left_alone_later(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        group = {"id": GROUP, "type": "supergroup", "title": "Yard"}
        press = {
            "id": "7",
            "from": {"id": BORIS, "is_bot": False, "first_name": "Boris"},
            "chat_instance": "1",
            "data": "broadcast:off",
            "message": {"message_id": 1, "date": 0, "chat": group},
        }
        await living.inject({"callback_query": press})
        await living.wait_for_calls("answerCallbackQuery")
        assert await SubscriptionRepository(living.app.engine.database, living.app.engine.clock).is_opted_out(
            "assistant", BORIS
        )


async def test_person_who_blocks_the_bot_is_left_out_and_comes_back(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 5)
        await block(living, people[:2])
        await wait_for_audience(living, 3)
        assert (await wait_for(living, await start(living))).counts.sent == 3
        anna = await living.user()
        path = f"/dialogs/{living.username}:{people[0]}/block"
        await anna.call("POST", path, json={"user_id": people[0], "blocked": False})
        await wait_for_audience(living, 4)
        assert (await wait_for(living, await start(living))).counts.sent == 4


async def test_block_found_while_sending_is_recorded(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        await gather_crowd(living, 5)
        await living.fault(kind="error", method="sendMessage", status=403, count=1)
        done = await wait_for(living, await start(living))
        assert (done.counts.sent, done.counts.blocked) == (4, 1)
        [blocked] = await living.app.features.broadcasts.recipients(done.id, RecipientState.BLOCKED, after=0, limit=9)
        assert "Forbidden" in blocked.reason
        assert (await wait_for(living, await start(living))).counts.total == 4


async def test_broadcast_stops_when_too_many_block(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        await gather_crowd(living, 60)
        await living.fault(kind="error", method="sendMessage", status=403, count=60)
        stopped = await wait_for(living, await start(living), BroadcastState.STOPPED)
        await living.settle()
        assert 20 <= stopped.counts.blocked < 30
        assert "blocked by 20" in stopped.reason
        await living.clear_faults()
        await living.app.features.broadcasts.resume(stopped.id)
        done = await wait_for(living, stopped)
        assert (done.counts.pending, done.counts.sent) == (0, 60 - done.counts.blocked)


async def test_flood_wait_is_obeyed_and_no_person_is_lost(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 30)
        await living.fault(kind="error", method="sendMessage", retry_after=1, count=3)
        began = time.monotonic()
        done = await wait_for(living, await start(living))
        assert time.monotonic() - began >= 1
        assert await count_received(living, "Новости") == dict.fromkeys(people, 1)
        assert (
            await FloodWaitRepository(living.app.engine.database, living.app.engine.clock).count(
                datetime.now(UTC) - timedelta(hours=1)
            )
            == 3
        )
    assert done.counts.sent == 30


async def test_chat_that_waits_for_telegram_is_on_the_list(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 5)
        await living.fault(kind="error", method="sendMessage", retry_after=3, count=1)
        broadcasts, broadcast = living.app.features.broadcasts, await start(living)

        async def is_flooded() -> bool:
            return (
                await FloodWaitRepository(living.app.engine.database, living.app.engine.clock).count(
                    datetime.now(UTC) - timedelta(hours=1)
                )
                == 1
            )

        await eventually(is_flooded)
        await broadcasts.pause(broadcast.id)

        async def nobody_is_under_way() -> bool:
            return (await broadcasts.find(broadcast.id)).counts.unsettled == 0

        await eventually(nobody_is_under_way)
        await broadcasts.resume(broadcast.id)
        done = await wait_for(living, broadcast)
        assert (done.counts.sent, done.counts.pending) == (5, 0)
        assert await count_received(living, "Новости") == dict.fromkeys(people, 1)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_person_is_not_sent_to_twice_after_a_lost_answer(tmp_path: Path, kind: str) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 4)
        await living.fault(kind=kind, method="sendMessage", count=1)
        done = await wait_for(living, await start(living))
        assert (done.counts.sent, done.counts.unsettled) == (3, 1)
        received = await count_received(living, "Новости")
        assert sum(received.values()) == (4 if kind == "drop_after" else 3)
        assert set(received.values()) <= {0, 1}
        assert set(received) <= set(people)


async def test_pause_holds_and_resume_goes_on(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 40)
        broadcasts = living.app.features.broadcasts
        broadcast = await start(living)

        async def has_begun() -> bool:
            return (await broadcasts.find(broadcast.id)).counts.sent >= 5

        await eventually(has_begun)
        await broadcasts.pause(broadcast.id)

        async def is_quiet() -> bool:
            return (await broadcasts.find(broadcast.id)).counts.unsettled == 0

        await eventually(is_quiet)
        paused = await broadcasts.find(broadcast.id)
        assert 0 < paused.counts.pending <= 35
        with pytest.raises(BroadcastStateError):
            await broadcasts.pause(broadcast.id)
        await broadcasts.resume(broadcast.id)
        await wait_for(living, broadcast)
        assert await count_received(living, "Новости") == dict.fromkeys(people, 1)


async def test_cancel_ends_it_permanently(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        await gather_crowd(living, 40)
        broadcasts = living.app.features.broadcasts
        broadcast = await start(living)
        with pytest.raises(BroadcastBusyError):
            await start(living)
        cancelled = await broadcasts.cancel(broadcast.id)
        assert cancelled.finished_at is not None
        with pytest.raises(BroadcastStateError):
            await broadcasts.resume(broadcast.id)
        assert (await broadcasts.find(broadcast.id)).counts.attempted < 40


async def test_cohort_is_tried_first_and_waits(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), ADMIN_IDS="7000000003") as living:
        people = await gather_crowd(living, 6)
        broadcasts = living.app.features.broadcasts
        broadcast = await start(living, replace(NEWS, plan=BroadcastPlan(cohort="2")))

        async def waits() -> bool:
            return (await broadcasts.find(broadcast.id)).waits

        await eventually(waits)
        assert len(await count_received(living, "Новости")) == 2
        assert await broadcasts.look() == 0
        await broadcasts.go_on(broadcast.id)
        await wait_for(living, broadcast)
        assert await count_received(living, "Новости") == dict.fromkeys(people, 1)


async def test_empty_cohort_is_reported(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), ADMIN_IDS="404") as living:
        with pytest.raises(BroadcastStateError, match="cohort"):
            await start(living, replace(NEWS, plan=BroadcastPlan(cohort="admins")))


async def test_night_puts_it_off_until_the_morning(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        await gather_crowd(living, 3)
        now = datetime.now(UTC)
        night = QuietHours((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
        broadcasts = living.app.features.broadcasts
        broadcast = await start(living, replace(NEWS, plan=BroadcastPlan(quiet=night)))

        async def rests() -> bool:
            return (await broadcasts.find(broadcast.id)).resumes_at is not None

        await eventually(rests)
        assert await broadcasts.look() == 0
        await broadcasts.store.rest(broadcast.id, now)  # the morning has come
        draft = await broadcasts.find(broadcast.id)
        assert (draft.state, draft.counts.attempted) == (BroadcastState.RUNNING, 0)
        assert await broadcasts.look() == 1


async def test_photo_is_uploaded_once(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 5)
        broadcasts = living.app.features.broadcasts
        draft = await broadcasts.create(NEWS)
        draft = await broadcasts.rewrite(replace(draft, photo="image/jpeg"), photo=PHOTO)
        await wait_for(living, await broadcasts.start(draft.id))
        assert await count_received(living, "Новости", "sendPhoto") == dict.fromkeys(people, 1)
        photos = [call["params"]["photo"] for call in await living.calls("sendPhoto")]
        assert len([photo for photo in photos if isinstance(photo, str) and len(photo) < 300]) >= 4


async def test_telegram_that_is_away_is_waited_for(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        people = await gather_crowd(living, 4)
        await living.fault(kind="error", method="sendMessage", status=500, count=4)
        await wait_for(living, await start(living))
        assert await count_received(living, "Новости") == dict.fromkeys(people, 1)


async def test_bot_answers_while_it_sends(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="an answer")) as living:
        await gather_crowd(living, 40)
        await start(living)
        anna = await living.user()
        await anna.say("Hi")
        await asyncio.wait_for(anna.wait_text("an answer"), 10)


class _AwayAtFirst:
    """Broadcasts in a database that is away for the first records of what was sent."""

    def __init__(self, store: BroadcastRepository, times: int) -> None:
        self._store = store
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def settle(self, *place: int | RecipientState, **fields: Any) -> None:
        if self.times:
            self.times -= 1
            raise StorageError("away")
        settle: Any = self._store.settle
        await settle(*place, **fields)


async def test_people_that_were_sent_to_are_settled_when_the_database_is_back(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel()) as living:
        await gather_crowd(living, 3)
        broadcasts = living.app.features.broadcasts
        away = _AwayAtFirst(broadcasts.store, 3)
        broadcasts.store = cast("BroadcastRepository", away)
        done = await wait_for(living, await start(living))
        received = await count_received(living, "Новости")
    assert away.times == 0
    assert (done.counts.sent, set(received.values())) == (3, {1})
