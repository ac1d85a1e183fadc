"""Events and their deliveries over both databases, to a real receiver on loopback."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Connection, func, select
from standardwebhooks import Webhook

from beseda.core.chat import Person
from beseda.core.clock import SystemClock
from beseda.core.errors import InputError, NotFoundError, WebhooksOffError
from beseda.core.message import Message, Role
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.events.model import EventFilter, EventType, NewEvent
from beseda.engine.events.repository import EventRepository, EventSubscriptions
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.jobs.tables import jobs as job_table
from beseda.engine.turns.repository import TurnRepository
from beseda.features.leads.model import ConsentKind, LeadChange, NewLead
from beseda.features.leads.repository import LeadRepository, find_lead_id
from beseda.features.leads.service import LeadService
from beseda.features.webhooks.http import HttpSender
from beseda.features.webhooks.keys import EventSecrets
from beseda.features.webhooks.model import MOST_TRIES, DeliveryState, EndpointChange, EventDelivery, WebhookEndpoint
from beseda.features.webhooks.repository import WebhookRepository
from beseda.features.webhooks.service import DELIVER, WebhookService
from beseda.testing.clock import ManualClock
from tests.contract.storage.world import BOT, World
from tests.parts.waiting import eventually
from tests.parts.webhook_receiver import Received, Receiver, receive_events

T = TypeVar("T")
SECRET = "a secret of sixteen letters"
DAY = timedelta(days=1).total_seconds()


@dataclass
class Post:
    """The service over one database, somebody who is told, and a clock that makes every wait short."""

    clock: ManualClock
    leads: LeadService
    events: EventRepository
    webhooks: WebhookService
    receiver: Receiver

    async def subscribe(self, *types: EventType, bot: str = "") -> tuple[WebhookEndpoint, str]:
        return await self.webhooks.create(self.receiver.url, bot=bot, types=types)

    async def deliver(self, seconds: float = 0.0) -> int:
        self.clock.shift(seconds)
        return await self.webhooks.deliver()

    async def all(self, endpoint: WebhookEndpoint, state: DeliveryState | None = None) -> list[EventDelivery]:
        found, count = await self.webhooks.deliveries(endpoint.id, state, limit=500)
        assert count == len(found)
        return list(found)


def build_webhooks(database: Database, clock: ManualClock, jobs: InlineJobs, secret: str | None) -> WebhookService:
    sender = HttpSender(allow_private=True, seconds=0.5)
    return WebhookService(WebhookRepository(database, clock), sender, jobs, clock, secrets=EventSecrets(secret))


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    clock = ManualClock(instant=True)
    events = EventRepository(database, clock)
    leads = LeadService(LeadRepository(database, clock), events, clock)
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receive_events())
        webhooks = build_webhooks(database, clock, InlineJobs(JobRepository(database, clock), {}, {}, clock), SECRET)
        stack.push_async_callback(webhooks.close)
        yield Post(clock, leads, events, webhooks, receiver)


def sign_as_the_package(key: str, received: Received) -> str:
    """Return the signature that the package of Standard Webhooks makes of a request."""
    seconds = int(received.headers["webhook-timestamp"])
    moment = datetime.fromtimestamp(seconds, UTC)
    return Webhook(key).sign(received.headers["webhook-id"], moment, received.body.decode())


async def test_delivery_sent_again_keeps_its_id(post: Post) -> None:
    await post.subscribe()
    post.receiver.answers.append(500)
    await post.leads.open(NewLead(BOT, 7))
    await post.deliver()
    await post.deliver(DAY)
    first, second = post.receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_event_arrives_signed(post: Post) -> None:
    endpoint, key = await post.subscribe()
    opened = await post.leads.open(NewLead(BOT, 7, name="Аня", contact="a@b.ru"))
    assert await post.deliver() == 1
    [received] = post.receiver.received
    assert received.json["type"] == received.headers["Beseda-Event"] == "lead.created"
    assert received.json["occurred_at"].endswith("Z")
    assert set(received.json) == {"id", "type", "bot", "occurred_at", "data"}
    assert (received.json["data"]["lead_id"], received.json["data"]["email"]) == (opened.lead.id, "a@b.ru")
    assert received.headers["webhook-id"] == str(received.json["id"])
    assert received.headers["webhook-signature"] == sign_as_the_package(key, received)
    # The header of before: receivers of version 0.1 compute it by hand.
    timestamp = received.headers["Beseda-Timestamp"]
    expected = hmac.new(key.encode(), timestamp.encode() + b"." + received.body, hashlib.sha256).hexdigest()
    assert received.headers["Beseda-Signature"] == f"t={timestamp},v1={expected}"
    [delivery] = await post.all(endpoint)
    assert (delivery.state, delivery.status, delivery.attempts) == (DeliveryState.DELIVERED, 200, 1)
    assert received.headers["Beseda-Delivery"] == str(delivery.id)
    assert await post.deliver(DAY) == 0


async def test_only_subscribed_events_are_delivered(post: Post) -> None:
    await post.subscribe(EventType.LEAD_STAGE_CHANGED, bot=BOT)
    opened = await post.leads.open(NewLead(BOT, 7))
    other = await post.leads.open(NewLead("other", 7))
    for lead in (opened.lead, other.lead):
        await post.leads.enter_stage(lead.id, "discovery")
    await post.deliver()
    assert [item.json["bot"] for item in post.receiver.received] == [BOT]
    assert post.receiver.types == ["lead.stage_changed"]


@pytest.mark.parametrize("answer", [500, 503, 302, 400, "hang", "break"])
async def test_refused_event_is_sent_again_and_nothing_overtakes_it(post: Post, answer: int | str) -> None:
    endpoint, _ = await post.subscribe()
    post.receiver.answers.append(answer)
    post.receiver.headers = {"Location": "http://169.254.169.254/latest/meta-data"} if answer == 302 else {}
    opened = await post.leads.open(NewLead(BOT, 7))
    await post.leads.enter_stage(opened.lead.id, "discovery")
    assert await post.deliver() == 3
    assert post.receiver.types == ["lead.created", "lead.created", "lead.stage_changed"]
    first = (await post.all(endpoint))[-1]
    assert (first.state, first.attempts) == (DeliveryState.DELIVERED, 2)


async def test_slow_receiver_holds_no_other_up(post: Post) -> None:
    await post.subscribe()
    async with receive_events() as other:
        await post.webhooks.create(other.url)
        post.receiver.answers.extend(["hang"] * 8)
        for user in range(1, 9):
            await post.leads.open(NewLead(BOT, user))
        delivering = asyncio.create_task(post.webhooks.deliver())

        async def is_told() -> bool:
            return len(other.received) == 8

        await eventually(is_told)
        await delivering
    assert len(post.receiver.received) == 16


async def test_silent_receiver_of_many_events_holds_no_other_up(post: Post) -> None:
    endpoint, _ = await post.subscribe()
    await post.events.add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=number) for number in range(200)])
    post.receiver.answers.extend(["hang"] * 200)
    async with receive_events() as other:
        await post.webhooks.create(other.url)
        tried = await post.webhooks.deliver()
        assert 8 < tried < 40
        await post.events.add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=7)])
        await post.webhooks.deliver()
        assert len(other.received) == 1
    post.receiver.answers.clear()
    while await post.all(endpoint, DeliveryState.PENDING):
        await post.deliver(DAY)
    assert len({item.json["id"] for item in post.receiver.received}) == 201


async def test_receiver_that_asks_for_a_pause_is_sent_nothing_else(post: Post) -> None:
    await post.subscribe()
    await post.events.add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=number) for number in range(50)])
    post.receiver.answers.append(429)
    post.receiver.headers = {"Retry-After": "3600"}
    assert await post.deliver() == 8
    assert await post.deliver(1000) == 0
    assert await post.deliver(DAY) == 43


@pytest.mark.parametrize("answer", ["flood", "drip"])
async def test_answer_is_read_no_further_than_needed(post: Post, answer: str) -> None:
    endpoint, _ = await post.subscribe()
    post.receiver.answers.append(answer)
    await post.leads.open(NewLead(BOT, 7))
    await post.deliver()
    [delivery] = await post.all(endpoint)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    assert post.receiver.sent < 64 * 1024 * 1024


async def test_event_that_is_never_taken_dies_and_can_be_sent_again(post: Post) -> None:
    endpoint, _ = await post.subscribe()
    post.receiver.answers.extend([500] * MOST_TRIES)
    opened = await post.leads.open(NewLead(BOT, 7))
    for _ in range(MOST_TRIES):
        await post.deliver(DAY)
    [dead] = await post.all(endpoint, DeliveryState.DEAD)
    assert (dead.attempts, dead.status, "500" in dead.error) == (MOST_TRIES, 500, True)
    await post.leads.enter_stage(opened.lead.id, "discovery")
    await post.deliver()
    assert post.receiver.types[-1] == "lead.stage_changed"
    with pytest.raises(NotFoundError):
        await post.webhooks.redeliver(endpoint.id + 1, dead.id)
    again = await post.webhooks.redeliver(endpoint.id, dead.id)
    assert (again.state, again.attempts) == (DeliveryState.PENDING, 0)
    await post.deliver()
    assert post.receiver.types[-1] == "lead.created"
    assert await post.all(endpoint, DeliveryState.DEAD) == []


async def test_waits_grow_from_a_second_to_hours(post: Post) -> None:
    endpoint, _ = await post.subscribe()
    post.receiver.answers.extend([500] * MOST_TRIES)
    await post.leads.open(NewLead(BOT, 7))
    waits = []
    while not await post.all(endpoint, DeliveryState.DEAD):
        tried = post.clock.now()
        await post.webhooks._serve(endpoint.id, post.clock.monotonic() + 1)  # one try, and no waiting for the next
        [delivery] = await post.all(endpoint)
        waits.append((delivery.due_at - tried).total_seconds())
        post.clock.shift(waits[-1])
    assert 0.8 <= waits[0] <= 1.2
    assert 14_000 < waits[-2] <= 6 * 3600 * 1.2
    assert len(waits) == MOST_TRIES


async def test_receiver_that_asks_for_a_pause_gets_it(post: Post) -> None:
    endpoint, _ = await post.subscribe()
    post.receiver.answers.append(429)
    post.receiver.headers = {"Retry-After": "3600"}
    await post.leads.open(NewLead(BOT, 7))
    await post.deliver()
    [delivery] = await post.all(endpoint)
    assert delivery.due_at - post.clock.now() > timedelta(seconds=3500)


async def test_gone_receiver_is_notified_no_more(post: Post) -> None:
    endpoint, _ = await post.subscribe()
    post.receiver.answers.append(410)
    await post.leads.open(NewLead(BOT, 7))
    await post.deliver()
    await post.leads.open(NewLead(BOT, 8))
    assert await post.deliver(DAY) == 0
    found = await post.webhooks.find(endpoint.id)
    assert (found.active, "410" in found.reason) == (False, True)
    assert len(await post.all(endpoint, DeliveryState.DEAD)) == 1
    await post.webhooks.change(endpoint.id, EndpointChange(active=True, reason=""))
    await post.leads.open(NewLead(BOT, 9))
    assert await post.deliver() == 1


async def test_two_processes_send_nothing_twice(post: Post, database_url: str) -> None:
    await post.subscribe()
    for user in range(1, 31):
        await post.leads.open(NewLead(BOT, user))
    other = await Database.open(database_url)
    second = build_webhooks(other, post.clock, InlineJobs(JobRepository(other), {}, {}, post.clock), SECRET)
    counts = await asyncio.gather(post.webhooks.deliver(), second.deliver())
    await second.close()
    await other.close()
    assert sum(counts) == len(post.receiver.received) == 30
    assert len({item.json["id"] for item in post.receiver.received}) == 30


async def test_sender_that_dies_leaves_its_work_to_others(post: Post, database: Database) -> None:
    endpoint, _ = await post.subscribe()
    await post.leads.open(NewLead(BOT, 7))
    store = WebhookRepository(database, post.clock)
    until = post.clock.now() + timedelta(seconds=60)
    assert len(await store.claim(endpoint.id, until=until, limit=5)) == 1
    assert await store.claim(endpoint.id, until=until, limit=5) == []
    post.clock.shift(61)
    assert await post.deliver() == 1


async def test_revoked_consent_takes_the_person_out_of_events(post: Post) -> None:
    await post.subscribe()
    opened = await post.leads.open(NewLead(BOT, 7, name="Аня", contact="a@b.ru", stage="discovery"))
    await post.leads.revoke_consent(opened.lead.id, ConsentKind.PDPA_PROFILE)
    await post.leads.change(opened.lead.id, LeadChange(contact="c@d.ru", stage="summary"), actor="key:1")
    await post.deliver()
    assert "consent.revoked" in post.receiver.types
    whole = b"".join(item.body for item in post.receiver.received).decode()
    for secret in ("Аня", "a@b.ru", "c@d.ru"):
        assert secret not in whole
    staged = next(item for item in post.receiver.received if item.headers["Beseda-Event"] == "lead.stage_changed")
    assert staged.json["data"]["new_stage"] == "summary"
    assert staged.json["data"]["redacted"] is True


async def test_question_asked_again_does_not_undo_a_no(post: Post) -> None:
    anya = Person(7, "Аня")
    lead = await post.leads.for_user(BOT, anya)
    await post.leads.revoke_consent(lead.id, ConsentKind.PDPA_PROFILE)
    await post.leads.ask_consent(lead.id, ConsentKind.PDPA_PROFILE, anya)
    await post.subscribe()
    await post.leads.change(lead.id, LeadChange(contact="c@d.ru"), actor="key:1")
    summary = {"conversation_id": 1, "summary": "Аня ищет цветы"}
    await post.events.add([NewEvent(EventType.CONVERSATION_SUMMARY_CREATED, BOT, user_id=7, data=summary)])
    await post.events.add([NewEvent(EventType.CONVERSATION_SUMMARY_CREATED, BOT, user_id=8, data=summary)])
    await post.deliver()
    told = {item.json["data"].get("redacted", False): item.body.decode() for item in post.receiver.received}
    assert len(post.receiver.received) == 3
    assert "цветы" in told[False]
    assert [item.json["data"].get("redacted") for item in post.receiver.received].count(True) == 2


async def test_no_secret_no_webhooks(post: Post, database: Database) -> None:
    jobs = InlineJobs(JobRepository(database), {}, {}, post.clock)
    silent = build_webhooks(database, post.clock, jobs, None)
    with pytest.raises(WebhooksOffError, match="BESEDA_EVENTS_SECRET"):
        await silent.create(post.receiver.url)
    await post.subscribe()
    await post.leads.open(NewLead(BOT, 7))
    assert await silent.deliver() == 0
    silent.ring()
    await silent.close()


async def test_private_address_is_refused_when_set_and_when_sent_to(post: Post, database: Database) -> None:
    jobs = InlineJobs(JobRepository(database), {}, {}, post.clock)
    store = WebhookRepository(database, post.clock)
    strict = WebhookService(store, HttpSender(seconds=1), jobs, post.clock, secrets=EventSecrets(SECRET))
    with pytest.raises(InputError):
        await strict.create(post.receiver.url)
    endpoint, _ = await post.subscribe()  # set while it was allowed
    await post.leads.open(NewLead(BOT, 7))
    await strict.deliver()
    await strict.close()
    [delivery] = await post.all(endpoint)
    assert (post.receiver.received, delivery.status) == ([], None)
    assert delivery.error


async def test_wake_up_asks_for_one_job(post: Post, database: Database) -> None:
    done = asyncio.Event()
    jobs = InlineJobs(JobRepository(database), {}, {"light": 1}, post.clock)

    async def deliver(*_: object) -> dict[str, object]:
        tried = await webhooks.deliver()
        done.set()
        return {"tried": tried}

    jobs.register(DELIVER, deliver)
    await jobs.start()
    webhooks = build_webhooks(database, post.clock, jobs, SECRET)
    await post.subscribe()
    await post.leads.open(NewLead(BOT, 7))
    for _ in range(10):
        webhooks.ring()
    async with asyncio.timeout(10):
        await done.wait()
    assert len(post.receiver.received) == 1
    await webhooks.close()
    await jobs.close()


async def test_a_dead_receiver_keeps_one_job_busy_at_most(post: Post, database: Database) -> None:
    store = JobRepository(database)
    jobs = InlineJobs(store, {}, {"light": 4}, SystemClock())
    webhooks = WebhookService(
        WebhookRepository(database),
        HttpSender(allow_private=True, seconds=0.5),
        jobs,
        SystemClock(),
        secrets=EventSecrets(SECRET),
    )
    most = 0

    async def deliver(*_: object) -> dict[str, object]:
        return {"tried": await webhooks.deliver()}

    jobs.register(DELIVER, deliver)
    await jobs.start()
    await post.subscribe()
    post.receiver.answers.extend(["hang"] * 1000)
    open_jobs = select(func.count()).select_from(job_table).where(job_table.c.finished_at.is_(None))
    async with receive_events() as other:
        await webhooks.create(other.url)
        for number in range(5):
            await post.events.add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=number)])
            webhooks.ring()

            async def is_sent() -> bool:
                nonlocal most
                most = max(most, await database.read(lambda connection: connection.execute(open_jobs).scalar_one()))
                return len(other.received) > number  # noqa: B023 - awaited in this round

            await eventually(is_sent)
    assert most == 1
    await webhooks.close()
    await jobs.close()


async def test_a_paused_receiver_is_not_searched_for(post: Post, database: Database) -> None:
    endpoint, _ = await post.subscribe()
    store = WebhookRepository(database, post.clock)
    await post.events.add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=number) for number in range(50)])
    assert await store.due_endpoints() == [endpoint.id]
    until = post.clock.now() + timedelta(seconds=30)
    await store.rest(endpoint.id, until, 5)
    assert await store.due_endpoints() == []
    assert await store.next_due() == until
    await post.webhooks.change(endpoint.id, EndpointChange(active=True))
    assert await store.due_endpoints() == [endpoint.id]


async def test_event_behind_an_earlier_one_is_not_due(post: Post, database: Database) -> None:
    await post.subscribe()
    store = WebhookRepository(database, post.clock)
    post.receiver.answers.extend([500] * 20)
    opened = await post.leads.open(NewLead(BOT, 7))
    await post.leads.enter_stage(opened.lead.id, "discovery")
    await post.deliver()
    assert await store.due_endpoints() == []
    assert (await store.next_due() or post.clock.now()) > post.clock.now()


async def test_commit_of_an_event_with_a_subscriber_wakes_the_sender(
    post: Post, database: Database, world: World
) -> None:
    rung: list[None] = []
    database.listen(lambda: rung.append(None))
    chat = await world.open_conversation(8)
    await post.leads.open(NewLead(BOT, 7))
    assert rung == []  # nobody has subscribed
    await post.subscribe(EventType.LEAD_CHANGED, EventType.MESSAGE_RECEIVED)
    await post.leads.enter_stage((await post.leads.for_user(BOT, Person(7, "Аня"))).id, "discovery")
    assert rung == []
    post.clock.shift(60)
    await world.receive(chat, "привет")
    assert len(rung) == 1
    await post.events.add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=7)])
    assert len(rung) == 2


async def test_old_deliveries_are_forgotten_and_events_stay(post: Post) -> None:
    endpoint, _ = await post.subscribe()
    await post.leads.open(NewLead(BOT, 7))
    await post.deliver()
    assert await post.webhooks.tidy(timedelta(days=30)) == 0
    post.clock.shift(31 * DAY)
    assert await post.webhooks.tidy(timedelta(days=30)) == 1
    assert await post.all(endpoint) == []
    assert await post.events.count(EventFilter()) == 1


async def test_events_of_deleted_leads_are_not_sent(post: Post) -> None:
    await post.subscribe()
    lead = await post.leads.for_user(BOT, Person(7, "Аня"))
    await post.leads.delete(lead.id, actor="key:1")
    await post.deliver()
    assert post.receiver.types == ["lead.deleted"]
    assert "Аня" not in post.receiver.received[0].body.decode()


async def test_events_are_filtered_and_paged(post: Post) -> None:
    for number in range(5):
        post.clock.shift(1)
        kind = EventType.MESSAGE_RECEIVED if number % 2 else EventType.CONVERSATION_STARTED
        await post.events.add([NewEvent(kind, BOT, user_id=number)])
    wanted = EventFilter(bot=BOT, type=EventType.CONVERSATION_STARTED)
    first = await post.events.list(wanted, limit=2)
    rest = await post.events.list(wanted, limit=2, before=first[-1].id)
    assert [event.user_id for event in (*first, *rest)] == [4, 2, 0]
    assert await post.events.count(EventFilter(since=first[0].occurred_at)) == 1
    assert await post.events.list(EventFilter(user_id=3), limit=5, offset=1) == []


async def test_messages_and_conversations_are_published_if_there_is_a_subscriber(post: Post, world: World) -> None:
    quiet = await world.open_conversation(8)
    await world.receive(quiet, "ничего")
    assert await post.events.count(EventFilter()) == 0
    await post.subscribe(EventType.MESSAGE_RECEIVED, EventType.CONVERSATION_STARTED, bot=BOT)
    told = World(
        world.database,
        world.updates,
        TurnRepository(world.database, post.clock, find_lead_id),
        ConversationRepository(world.database, post.clock),
    )
    lead = await post.leads.for_user(BOT, Person(7, "Аня"))
    chat = await told.open_conversation(7)
    assert await told.open_conversation(7) == chat
    turn = await told.receive(chat, "Здравствуйте")
    post.clock.shift(1)
    await told.turns.open(turn, Message(Role.USER, "Здравствуйте"))  # asked anew
    await told.talk(quiet, "ещё", "ответ")
    await post.deliver()
    # Only what is about one lead comes in order.
    found = sorted(post.receiver.received, key=lambda item: int(item.json["id"]))
    assert [item.json["type"] for item in found] == ["conversation.started", "message.received", "message.received"]
    started, said, _ = (item.json["data"] for item in found)
    assert (started["conversation_id"], started["user_id"]) == (chat.id, 7)
    assert (said["content"], said["lead_id"], said["user_id"]) == ("Здравствуйте", lead.id, 7)


async def test_one_asks_for_subscribers_when_many_messages_come_in(database: Database) -> None:
    reads = 0

    class Counting(Database):
        async def read(self, work: Callable[[Connection], T]) -> T:
            nonlocal reads
            reads += 1
            return await super().read(work)

    database.__class__ = Counting
    audience = EventSubscriptions(database, ManualClock())
    await asyncio.gather(*(audience.wants(EventType.MESSAGE_RECEIVED, BOT) for _ in range(100)))
    assert reads == 1
