"""Meetings as both sides see them: files for their calendars, reminders, what is no longer held, the summary."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from beseda.app_tasks import register_tasks
from beseda.core.chat import Person
from beseda.core.ids import new_id
from beseda.db.database import Database
from beseda.engine.jobs.model import JobRequest
from beseda.features.meetings.model import HOLD, Meeting, MeetingState
from beseda.features.meetings.repository import MeetingRepository
from beseda.features.meetings.service import MeetingService
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.ics_reader import Component, read_ics
from tests.parts.living_bot import ANNA, BORIS, TOKEN, LivingBot, living_bot
from tests.parts.waiting import eventually

BOT = "desk"
YAML = """
title: {ru: Приёмная, en: Front desk}
about: {ru: записывает, en: makes appointments}
greeting: {ru: Здравствуйте!, en: Hello!}
access: everyone
calendar:
  timezone: Europe/Moscow
  hours: {mon-sun: ["00:00-24:00"]}
  notice_hours: 48
"""


@asynccontextmanager
async def front_desk(folder: Path) -> AsyncIterator[LivingBot]:
    """Run a bot that makes appointments; Anna is a guest, Boris the owner, and both have said hello."""
    place = folder / "bots" / BOT
    place.mkdir(parents=True)
    (place / "bot.yaml").write_text(YAML, "utf-8")
    (place / "persona_prompt.md").write_text("You make appointments.\n", "utf-8")
    model = ScriptedModel(["Вы из пекарни? Понял.", "Анна из пекарни, двенадцать человек."])
    async with living_bot(folder, model, BOT, ADMIN_IDS=str(BORIS)) as living:
        for user_id in (ANNA, BORIS):
            user = await living.user(user_id)
            await user.say("/start")
            await user.wait_reply()
        yield living


async def hold(living: LivingBot, number: int = 0) -> Meeting:
    """Hold a time for Anna."""
    lead = await living.app.features.leads.for_user(BOT, Person(ANNA, "Анна"))
    slots = await living.app.features.meetings.free_slots(BOT, None, 7, "ru")
    return await living.app.features.meetings.book(lead.id, slots[number].starts_at)


async def open_at(living: LivingBot, now: datetime) -> tuple[MeetingService, Database]:
    """Return the meetings as a process of another time sees them."""
    database = await Database.open(living.app.settings.database())
    clock = ManualClock(now)
    store = MeetingRepository(database, clock, [BORIS])
    meetings = MeetingService(store, living.app.engine.jobs, living.app.engine.ephemeral.bus, clock)
    meetings.adopt({BOT: living.app.features.meetings.diary(BOT)})
    return meetings, database


async def read_file(living: LivingBot, message: dict[str, Any]) -> Component:
    api = living.bot.runner.bot.api
    path = (await api.call("getFile", file_id=message["document"]["file_id"]))["file_path"]
    address = f"{living.sandbox.base_url}/file/bot{TOKEN}/{path}"
    async with aiohttp.ClientSession() as session, session.get(address) as got:
        return read_ics(await got.read())


async def test_both_sides_get_the_file_and_its_changes(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as living:
        meetings = living.app.features.meetings
        anna, boris = await living.user(ANNA), await living.user(BORIS)
        meeting = await meetings.confirm((await hold(living)).id)
        booked = await anna.wait_text("Встреча назначена")
        assert meetings.write_time(meeting, "ru") in booked["caption"]
        first = await read_file(living, booked)
        await boris.wait_text("Анна")

        other = (await meetings.free_slots(BOT, None, 7, "ru"))[9]
        await meetings.move(meeting.id, other.starts_at)
        second = await read_file(living, await anna.wait_text("Встреча перенесена"))
        await boris.wait_text("Встреча перенесена")
        await meetings.cancel(meeting.id)
        await boris.wait_text("Встреча отменена")
        third = await read_file(living, await anna.wait_text("Встреча отменена"))
        events = [file.inner[0] for file in (first, second, third)]
        assert {event["UID"] for event in events} == {meeting.uid}
        assert [event["SEQUENCE"] for event in events] == ["0", "1", "2"]
        assert third["METHOD"] == "CANCEL"
        await living.settle()
        assert len(await living.calls("sendDocument")) == 6


async def test_meeting_not_confirmed_in_time_is_given_up_and_reported_once(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as living:
        register_tasks(living.app)
        anna, meetings = await living.user(ANNA), living.app.features.meetings
        lead = await living.app.features.leads.for_user(BOT, Person(ANNA, "Анна"))
        earlier, database = await open_at(living, living.app.engine.clock.now() - HOLD)
        held = await earlier.book(lead.id, (await meetings.free_slots(BOT, None, 7, "ru"))[0].starts_at)
        assert [await run_task(living, "meeting.expire") for _ in range(2)] == [{"meetings": 1}, {"meetings": 0}]
        await anna.wait_text("больше не держу")
        assert (await meetings.find(held.id)).state is MeetingState.EXPIRED
        assert held.starts_at in [slot.starts_at for slot in await meetings.free_slots(BOT, None, 7, "ru")]
        await database.close()
        await living.settle()
        said = [message for message in await anna.history() if "больше не держу" in message.get("text", "")]
        assert len(said) == 1


async def run_task(living: LivingBot, kind: str) -> Mapping[str, object] | None:
    """Have the queue do a task, as the schedule would, and return what came of it."""
    job = await living.app.engine.jobs.enqueue(JobRequest(new_id(), kind, {}, slot="light"))
    return (await living.app.engine.jobs.wait(job.id)).result


async def test_reminder_comes_a_day_and_an_hour_before(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as living:
        anna, boris = await living.user(ANNA), await living.user(BORIS)
        meeting = await living.app.features.meetings.confirm((await hold(living)).id)
        for hours in (24, 1):
            later, database = await open_at(living, meeting.starts_at - timedelta(hours=hours))
            assert [await later.pass_time() for _ in range(2)] == [1, 0]
            await anna.wait_text("Напоминаю о встрече")
            await boris.wait_text("Скоро встреча")
            await database.close()


async def test_owner_gets_a_summary_before_the_meeting(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as living:
        register_tasks(living.app)
        anna, boris = await living.user(ANNA), await living.user(BORIS)
        await anna.say("У нас пекарня, двенадцать человек")
        await anna.wait_text("Вы из пекарни")
        meeting = await living.app.features.meetings.confirm((await hold(living)).id)
        told = await boris.wait_text("К встрече")
        assert "Анна из пекарни, двенадцать человек." in told["text"]
        summary = await living.app.features.meetings.summary(meeting.id)
        assert summary.text == "Анна из пекарни, двенадцать человек."
        await living.app.features.meetings.pass_time()
        await eventually(lambda: no_jobs(living))
        assert not [message for message in await anna.history() if "К встрече" in message.get("text", "")]


async def no_jobs(living: LivingBot) -> bool:
    """Return whether nothing waits to be said any more."""
    return await living.unfinished() == 0


async def test_meeting_of_a_lead_that_was_deleted_is_no_more(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as living:
        meeting = await living.app.features.meetings.confirm((await hold(living)).id)
        await living.app.features.leads.delete(meeting.lead_id, actor="owner")
        await living.settle()
        assert await living.app.features.meetings.for_person(meeting.bot, meeting.guest.user_id) == []
        starts = [slot.starts_at for slot in await living.app.features.meetings.free_slots(BOT, None, 7, "ru")]
        assert meeting.starts_at in starts
