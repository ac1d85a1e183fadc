"""Broadcasts on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import BroadcastBusyError
from beseda.core.time_zones import read_quiet_hours
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.features.broadcasts.model import (
    Audience,
    Broadcast,
    BroadcastContent,
    BroadcastFilter,
    BroadcastPlan,
    BroadcastState,
    Counts,
    NewBroadcast,
    RecipientState,
)
from beseda.features.broadcasts.repository import BroadcastRepository, Turnout
from beseda.features.broadcasts.subscriptions import SubscriptionRepository
from beseda.testing.clock import ManualClock

NEW = NewBroadcast(
    "sales", "News", BroadcastContent({"ru": "Привет", "en": "Hello"}, {"ru": "Сайт"}, "https://example.org")
)
DRAFT, RUNNING, PAUSED, DONE = (
    BroadcastState.DRAFT,
    BroadcastState.RUNNING,
    BroadcastState.PAUSED,
    BroadcastState.DONE,
)


class World:
    """A database with people in it."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.store = BroadcastRepository(database, self.clock)
        self.subscriptions = SubscriptionRepository(database, self.clock)
        self.conversations = ConversationRepository(database, self.clock)

    async def meet(self, user_id: int, language: str = "ru", *, bot: str = "sales", chat_id: int = 0) -> None:
        kind = ChatKind.SUPERGROUP if chat_id < 0 else ChatKind.PRIVATE
        person = Person(user_id, f"P{user_id}", language=language)
        await self.conversations.open(ChatKey(bot, chat_id or user_id), kind, "", person)

    async def running(self, new: NewBroadcast = NEW) -> Broadcast:
        broadcast = await self.store.create(new)
        started = await self.store.move(broadcast.id, [DRAFT], RUNNING)
        assert started is not None
        return started

    async def gathered(self, *people: int) -> Broadcast:
        for user_id in people:
            await self.meet(user_id)
        broadcast = await self.running()
        while await self.store.gather(broadcast.id, limit=2):
            pass
        return broadcast

    async def pending(self, broadcast: Broadcast) -> list[int]:
        return [one.user_id for one in await self.store.pending(broadcast.id, after=0, limit=100)]

    async def counts(self, broadcast: Broadcast) -> Counts:
        found = await self.store.find(broadcast.id)
        assert found is not None
        return found.counts


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


async def test_draft_is_found_as_it_was_written(world: World) -> None:
    audience = Audience(("ru",), world.clock.now(), ("active",), ("discovery",))
    plan = BroadcastPlan(5.0, "admins", read_quiet_hours("22:00-09:00"))
    draft = await world.store.create(replace(NEW, audience=audience, plan=plan, author="crm"))
    assert await world.store.find(draft.id) == draft
    assert (draft.state, draft.content, draft.audience, draft.plan) == (DRAFT, NEW.content, audience, plan)
    assert await world.store.find(draft.id + 1) is None


async def test_draft_is_rewritten_only_with_its_version(world: World) -> None:
    draft = await world.store.create(NEW)
    again = await world.store.rewrite(replace(draft, title="Other", photo="image/png"), photo=b"PNG")
    assert again is not None
    assert (again.title, again.version) == ("Other", 2)
    assert await world.store.rewrite(draft) is None
    kept = await world.store.rewrite(again)
    assert kept is not None
    assert await world.store.photo(draft.id) == b"PNG"
    await world.store.rewrite(replace(kept, photo=""))
    assert await world.store.photo(draft.id) == b""


async def test_draft_is_deleted_though_its_cohort_was_gathered(world: World) -> None:
    await world.meet(1)
    draft = await world.store.create(NEW)
    assert await world.store.gather_cohort(draft.id, size=5) == 1
    assert await world.store.delete(draft.id)
    assert await world.store.find(draft.id) is None


async def test_failures_before_a_stop_do_not_count_after_it(world: World) -> None:
    broadcast = await world.gathered(1, 2)
    await world.store.begin(broadcast.id, 1, 0)
    await world.store.settle(broadcast.id, 1, RecipientState.BLOCKED)
    assert await world.store.outcomes(broadcast.id, limit=9) == [RecipientState.BLOCKED]
    await world.store.move(broadcast.id, [RUNNING], BroadcastState.STOPPED)
    world.clock.shift(60)
    await world.store.move(broadcast.id, [BroadcastState.STOPPED], RUNNING)
    assert await world.store.outcomes(broadcast.id, limit=9) == []


async def test_list_goes_back_from_the_last_made(world: World) -> None:
    made = [await world.store.create(replace(NEW, bot=bot)) for bot in ("sales", "media", "sales")]
    first = await world.store.list(BroadcastFilter(), limit=2)
    assert [one.id for one in first] == [made[2].id, made[1].id]
    rest = await world.store.list(BroadcastFilter(), limit=2, before=first[-1].id)
    assert [one.id for one in rest] == [made[0].id]
    assert await world.store.count(BroadcastFilter("sales", DRAFT)) == 2
    assert await world.store.delete(made[0].id)
    assert not await world.store.delete(made[0].id)


async def test_audience_is_every_person_with_a_private_chat(world: World) -> None:
    await world.meet(1)
    await world.meet(2, "en-GB")
    await world.meet(3, bot="media")
    await world.meet(4, chat_id=-100)
    await world.meet(5, "eng")
    assert await world.store.count_audience("sales", Audience()) == 3
    assert await world.store.count_audience("sales", Audience(("en",))) == 1
    assert await world.store.count_audience("sales", Audience(lead_statuses=("won",))) == 0
    world.clock.shift(60)
    await world.meet(2)
    assert await world.store.count_audience("sales", Audience(seen_since=world.clock.now())) == 1


async def test_persons_opted_out_or_blocking_are_not_in_the_audience(world: World) -> None:
    for user_id in (1, 2, 3):
        await world.meet(user_id)
    await world.subscriptions.opt_out("sales", 1)
    await world.subscriptions.note_block("sales", 2, blocked=True)
    await world.subscriptions.note_block("sales", 404, blocked=True)
    assert await world.subscriptions.is_opted_out("sales", 1)
    assert await world.store.count_audience("sales", Audience()) == 1
    await world.subscriptions.opt_in("sales", 1)
    await world.subscriptions.note_block("sales", 2, blocked=False)
    assert not await world.subscriptions.is_opted_out("sales", 1)
    assert await world.store.count_audience("sales", Audience()) == 3


async def test_people_are_gathered_in_pieces_and_once(world: World) -> None:
    broadcast = await world.gathered(1, 2, 3, 4, 5)
    assert await world.pending(broadcast) == [1, 2, 3, 4, 5]
    found = await world.store.find(broadcast.id)
    assert found is not None
    assert (found.gathered, found.counts.total, found.counts.pending) == (True, 5, 5)
    assert await world.store.gather(broadcast.id, limit=2) == 0


async def test_cohort_is_not_gathered_again(world: World) -> None:
    for user_id in (1, 2, 3):
        await world.meet(user_id)
    broadcast = await world.store.create(NEW)
    await world.store.move(broadcast.id, [DRAFT], BroadcastState.TESTING)
    assert await world.store.gather_cohort(broadcast.id, people=[3, 404]) == 1
    assert await world.store.begin(broadcast.id, 3, 0) is Turnout.GO
    await world.store.settle(broadcast.id, 3, RecipientState.SENT, message_id=9)
    approved = await world.store.move(broadcast.id, [BroadcastState.TESTING], RUNNING)
    assert approved is not None
    assert approved.approved
    while await world.store.gather(broadcast.id, limit=2):
        pass
    assert await world.pending(broadcast) == [1, 2]
    assert await world.counts(broadcast) == Counts(3, 1, 1)


async def test_cohort_of_a_number_is_the_first_of_the_audience(world: World) -> None:
    await world.meet(1, "en")
    await world.meet(2)
    await world.meet(3)
    broadcast = await world.store.create(replace(NEW, audience=Audience(("ru",))))
    assert await world.store.gather_cohort(broadcast.id, size=1) == 1
    assert await world.pending(broadcast) == [2]


async def test_person_is_begun_once_for_any_number_of_callers(world: World) -> None:
    broadcast = await world.gathered(1)
    turnouts = await asyncio.gather(*(world.store.begin(broadcast.id, 1, 0) for _ in range(5)))
    assert sorted(turnouts) == [Turnout.GO, *[Turnout.SKIP] * 4]
    assert await world.counts(broadcast) == Counts(1, 1)
    await world.store.release(broadcast.id, 1)
    await world.store.release(broadcast.id, 1)
    assert await world.counts(broadcast) == Counts(1, 0)
    assert await world.pending(broadcast) == [1]


async def test_processes_share_people_out(database_url: str) -> None:
    databases = [await Database.open(database_url) for _ in range(2)]
    worlds = [World(database) for database in databases]
    broadcast = await worlds[0].gathered(*range(1, 21))
    asked = [world.store.begin(broadcast.id, user_id, 0) for user_id in range(1, 21) for world in worlds]
    turnouts = await asyncio.gather(*asked)
    assert turnouts.count(Turnout.GO) == 20
    assert (await worlds[1].counts(broadcast)).attempted == 20
    for database in databases:
        await database.close()


async def test_person_who_opts_out_meanwhile_is_skipped(world: World) -> None:
    broadcast = await world.gathered(1, 2)
    await world.subscriptions.opt_out("sales", 1)
    assert await world.store.begin(broadcast.id, 1, 0) is Turnout.SKIP
    assert await world.counts(broadcast) == Counts(2, 0, skipped=1)
    [skipped] = await world.store.recipients(broadcast.id, RecipientState.SKIPPED, after=0, limit=9)
    assert (skipped.user_id, skipped.settled_at) == (1, world.clock.now())


@pytest.mark.parametrize("state", [PAUSED, BroadcastState.CANCELLED, BroadcastState.STOPPED])
async def test_no_person_is_begun_once_it_does_not_send(world: World, state: BroadcastState) -> None:
    broadcast = await world.gathered(1)
    await world.store.move(broadcast.id, [RUNNING], state, reason="because")
    assert await world.store.begin(broadcast.id, 1, 0) is Turnout.END


async def test_block_is_kept_for_later_broadcasts(world: World) -> None:
    broadcast = await world.gathered(1, 2)
    for user_id in (1, 2):
        await world.store.begin(broadcast.id, user_id, 0)
    await world.store.settle(broadcast.id, 1, RecipientState.BLOCKED, reason="blocked")
    world.clock.shift(1)
    await world.store.settle(broadcast.id, 2, RecipientState.SENT, message_id=7)
    await world.store.settle(broadcast.id, 2, RecipientState.SENT, message_id=8)
    assert await world.counts(broadcast) == Counts(2, 2, 1, 1)
    assert await world.store.outcomes(broadcast.id, limit=9) == [RecipientState.BLOCKED, RecipientState.SENT]
    assert await world.store.count_audience("sales", Audience()) == 1


async def test_broadcast_is_done_only_if_no_person_is_left(world: World) -> None:
    broadcast = await world.gathered(1)
    assert await world.store.move(broadcast.id, [RUNNING], DONE) is None
    await world.store.begin(broadcast.id, 1, 0)
    done = await world.store.move(broadcast.id, [RUNNING], DONE)
    assert done is not None
    assert (done.finished_at, done.counts.unsettled) == (world.clock.now(), 1)
    assert await world.store.retry_unknown(broadcast.id) == 1
    assert await world.counts(broadcast) == Counts(1, 0)


async def test_bot_runs_one_broadcast_at_a_time(world: World) -> None:
    await world.running()
    other = await world.store.create(NEW)
    with pytest.raises(BroadcastBusyError):
        await world.store.move(other.id, [DRAFT], RUNNING)
    await world.running(replace(NEW, bot="media"))
    assert [one.bot for one in await world.store.active()] == ["sales", "media"]


async def test_move_from_another_state_is_refused(world: World) -> None:
    broadcast = await world.running()
    assert await world.store.move(broadcast.id, [PAUSED], RUNNING) is None
    assert await world.store.move(404, [DRAFT], RUNNING) is None


async def test_start_is_dated_once(world: World) -> None:
    broadcast = await world.running()
    assert broadcast.started_at == world.clock.now()
    world.clock.shift(60)
    await world.store.move(broadcast.id, [RUNNING], PAUSED)
    again = await world.store.move(broadcast.id, [PAUSED], RUNNING)
    assert again is not None
    assert again.started_at == broadcast.started_at


async def test_runs_are_counted_once(world: World) -> None:
    broadcast = await world.running()
    assert await asyncio.gather(*(world.store.next_run(broadcast.id, 0) for _ in range(3))) == [1, 1, 1]


async def test_only_the_last_run_sends(world: World) -> None:
    broadcast = await world.gathered(1)
    await world.store.next_run(broadcast.id, 0)
    assert await world.store.begin(broadcast.id, 1, 0) is Turnout.END
    assert await world.store.begin(broadcast.id, 1, 1) is Turnout.GO


async def test_rest_is_remembered_until_it_moves_on(world: World) -> None:
    broadcast = await world.running()
    morning = world.clock.now() + timedelta(hours=9)
    await world.store.rest(broadcast.id, morning)
    [found] = await world.store.active()
    assert found.resumes_at == morning
    paused = await world.store.move(broadcast.id, [RUNNING], PAUSED)
    assert paused is not None
    assert paused.resumes_at is None
