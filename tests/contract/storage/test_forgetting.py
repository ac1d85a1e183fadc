"""After `/forget`, no table holds anything of the person but what is listed here, with the reason."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Update,
    insert,
    select,
    update,
)

from beseda.app_personal_data import PERSONAL_DATA
from beseda.app_tables import metadata
from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.clock import SystemClock
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.db.types import UtcTime
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.model import FileKind, FileOwner, NewFile
from beseda.engine.files.repository import FileRepository
from beseda.engine.files.service import FileService
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.ephemeral.memory.history import MemoryHistory
from beseda.ephemeral.sql_state import SqlState
from beseda.features.broadcasts.model import Audience, BroadcastContent, NewBroadcast, RecipientState
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.leads.model import ConsentKind, Finding
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.service import LeadService
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.features.personal_data.service import PersonalDataService, Traces
from beseda.telegram.part import Part
from tests.contract.storage.world import BOT, World

ZOYA, ADMIN, OTHER = Person(7_000_000_777, "Zoyazoya", "zoya_login", "ru"), Person(500, "Boss"), Person(8, "Boris")
PHONE, MAIL, WORDS = "+79161234567", "zoya@example.org", "a secret of mine"
MARKS = (ZOYA.name, ZOYA.username, PHONE, MAIL, WORDS)
OWNER = FileOwner(BOT, ZOYA.id)
GROUP = ChatKey(BOT, -100)

# Nothing of a person is ever in these: sums, settings, processes; a report's rows are in its file, for thirty days.
OF_NOBODY = {
    "bot_accounts",
    "api_keys",
    "conversion_funnel",
    "hourly_figures",
    "lead_totals",
    "processes",
    "replicas",
    "reports",
    "rollups",
    "territories",
    "webhook_endpoints",
}
# Where the bare number of a person stays.
NUMBER_STAYS = {
    "users.id": "what they say next hangs on it at once",
    "conversations.chat_id": "where the answer to that goes",
    "conversations.user_id": "who opened a chat, a group's as well",
    "subscriptions.user_id": "that they want no broadcasts, or they would get some",
    "budget_counters.subject": "what they have used today, or they would get it twice; it goes in two days",
    "states.key": "until the next start of a program, which sweeps empty ones out; the value is gone",
    "events.user_id": "that a lead was deleted, for those who have a copy of it",
    "events.data": "the same",
}


@dataclass
class Archive:
    """A database that is full of one person, and the service that is to forget them."""

    world: World
    files: FileService
    state: SqlState
    service: PersonalDataService
    now: datetime

    async def put(self, table: str, **values: object) -> int:
        """Store a row; what is not said is as empty as its column allows."""
        columns = metadata.tables[table].columns
        row = {column.name: values.get(column.name, self._blank(column)) for column in columns if self._asks(column)}
        statement = insert(metadata.tables[table]).values({**row, **values})
        found = await self.world.database.write(lambda connection: connection.execute(statement).inserted_primary_key)
        return int(found[0]) if found is not None and isinstance(found[0], int) else 0

    def _asks(self, column: Column[Any]) -> bool:
        counts_up = column.primary_key and column.autoincrement is not False and not column.foreign_keys
        return not column.nullable and column.server_default is None and not counts_up

    def _blank(self, column: Column[Any]) -> object:
        kinds = {UtcTime: self.now, Boolean: False, Integer: 0, Float: 0.0, LargeBinary: b""}
        return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), "")

    async def change(self, statement: Update) -> None:
        """Change rows past the stores."""
        await self.world.database.write(lambda connection: connection.execute(statement).rowcount)

    async def rows(self) -> dict[str, list[Mapping[str, object]]]:
        """Return everything there is, by table."""

        def work(connection: Connection) -> dict[str, list[Mapping[str, object]]]:
            tables = metadata.tables.items()
            return {name: [dict(row) for row in connection.execute(select(one)).mappings()] for name, one in tables}

        return await self.world.database.read(work)


@pytest.fixture
async def archive(world: World, tmp_path: Path) -> Archive:
    clock = SystemClock()
    files, state = FileService(FileRepository(world.database), tmp_path / "files", clock), SqlState(world.database)
    jobs = InlineJobs(JobRepository(world.database), {}, {"heavy": 1}, clock)
    store = PersonalDataRepository(world.database, PERSONAL_DATA, clock, [ADMIN.id])
    service = PersonalDataService(store, files, jobs, Traces(MemoryHistory(), state), tmp_path / "tmp")
    return Archive(world, files, state, service, clock.now())


async def fill(archive: Archive) -> None:
    """Have the person leave traces wherever there can be any."""
    world = archive.world
    chat = await world.conversations.open(ChatKey(BOT, ZOYA.id), ChatKind.PRIVATE, ZOYA.name, ZOYA)
    turn = await world.talk(chat, WORDS, f"{WORDS}?")
    group = await world.conversations.open(GROUP, ChatKind.SUPERGROUP, "Yard", ZOYA)
    for conversation in (chat, group):
        await archive.put("conversation_summaries", conversation_id=conversation.id, summary=WORDS)
    spoken = Turn(new_id(), group, ZOYA.id, TurnKind.CHAT, input=WORDS)
    await world.turns.open(spoken, Message(Role.USER, WORDS))
    await world.reply(spoken, WORDS)
    await world.deliver(spoken)
    await archive.put("conversation_metrics", conversation_id=chat.id)
    await archive.put("takeovers", conversation_id=chat.id, operator="Boss")
    await archive.files.save(NewFile(OWNER, ZOYA.id, FileKind.PHOTO, WORDS, ".jpg"), b"jpeg")
    await archive.state.set(f"sales:1:{ZOYA.id}:0", {"asked": WORDS})
    await fill_work(archive, turn)
    await fill_sale(archive)


async def fill_work(archive: Archive, turn: Turn) -> None:
    """Leave what a bot and the API note down beside the talk."""
    now, day, store = archive.now, archive.now.date(), BroadcastRepository(archive.world.database)
    told = {"bot": BOT, "user_id": ZOYA.id}
    await archive.put("jobs", id=1, payload=f'{{"text":"{WORDS}"}}', finished_at=now, chat_id=ZOYA.id, **told)
    await archive.put("active_users", month=now, days=3, **told)
    await archive.put("active_users", month=now, days=3, bot="", user_id=ZOYA.id)
    await archive.put("flood_waits", bot=BOT, chat_id=ZOYA.id, chat_kind="private")
    for back in (0, 1, 2):
        at = (day - timedelta(days=back)).isoformat()
        await archive.put("budget_counters", scope="user", bot=BOT, subject=ZOYA.id, unit="tokens", day=at, used=9)
    accounts = orjson.dumps([["user", BOT, ZOYA.id, "tokens", day.isoformat()]]).decode()
    await archive.put("budget_reservations", id="1", accounts=accounts, state="settled")
    await archive.put("budget_notices", who=f"{BOT}:0:{ZOYA.id}:tokens", key="1")
    for number, state in enumerate(("sent", "pending", "sending"), start=1):
        attempted, settled = int(state != "pending"), int(state == "sent")
        made = await store.create(NewBroadcast(BOT, "News", BroadcastContent({"ru": "..."})))
        assert made.id == number
        counts = {"total": 1, "attempted": attempted, "sent": settled}
        change = update(metadata.tables["broadcasts"]).where(metadata.tables["broadcasts"].c.id == number)
        await archive.change(change.values(**counts))
        await archive.put("broadcast_recipients", broadcast_id=number, user_id=ZOYA.id, state=state)
    await archive.put("subscriptions", **told)
    key = await archive.put("api_keys")
    body = orjson.dumps({"id": 1, "user_id": ZOYA.id, "name": ZOYA.name, "phone": PHONE})
    await archive.put("kept_answers", key_id=key, idempotency_key="k", headers="{}", status=201, body=body)
    await archive.put(
        "kept_answers", key_id=key, idempotency_key="other", headers="{}", body=b'{"user_id":70000007770}'
    )
    assert turn.id


async def fill_sale(archive: Archive) -> None:
    """Leave a lead with a meeting, of which the owner was told."""
    world, now = archive.world, archive.now
    leads = LeadService(LeadRepository(world.database), EventRepository(world.database), SystemClock())
    endpoint = await archive.put("webhook_endpoints", types="[]", active=True)
    lead = await leads.for_user(BOT, ZOYA)
    chat = await world.conversations.open(ChatKey(BOT, ZOYA.id), ChatKind.PRIVATE, ZOYA.name, ZOYA)
    for slot, value in (("phone", PHONE), ("email", MAIL), ("wish", WORDS)):
        turn = await world.receive(chat, value)
        await world.reply(turn, "ok")
        await world.deliver(turn)
        message = next(row["id"] for row in (await archive.rows())["messages"] if row["turn_id"] == turn.id)
        assert isinstance(message, int)
        await leads.fill(lead.id, [Finding(slot, value, 0.9, message, value)])
        await leads.give_consent(lead.id, ConsentKind.PDPA_PROFILE, message)
    await leads.enter_stage(lead.id, "discovery")
    event = (await leads.events(lead.id))[0][0]
    await archive.put("event_deliveries", event_id=event.id, endpoint_id=endpoint, error=WORDS)
    meeting = await archive.put("meetings", bot=BOT, lead_id=lead.id, uid="uid-of-zoya", starts_at=now, ends_at=now)
    await archive.put("meeting_cells", bot=BOT, owner="", cell=1, meeting_id=meeting)
    await archive.put("meeting_summaries", meeting_id=meeting, text=WORDS, facts=f'[{{"quote":"{WORDS}"}}]')
    office = await world.conversations.open(ChatKey(BOT, ADMIN.id), ChatKind.PRIVATE, "", ADMIN)
    for told in (f"<b>{ZOYA.name}</b>, {PHONE}: {WORDS}", f"Wish: {WORDS}", "All is well."):
        notice = Turn(new_id(), office, ADMIN.id, TurnKind.COMMAND)
        await world.turns.open(notice, None)
        notice.state, notice.parts = TurnState.ANSWERED, [Part(0, told)]
        await world.turns.answer(notice, None, None)
        await world.deliver(notice)
    holder, content = FileOwner(BOT, ADMIN.id), b"BEGIN:VCALENDAR\r\nUID:uid-of-zoya\r\n"
    await archive.files.save(NewFile(holder, ADMIN.id, FileKind.DOCUMENT, "at noon", ".ics", "text/calendar"), content)


def list_states(chat: ChatKey) -> list[str]:
    return [f"sales:1:{chat.chat_id}:{chat.thread_id}"]


def find(rows: Mapping[str, list[Mapping[str, object]]], mark: str) -> Iterator[str]:
    """Yield where a mark is still to be read, as `table.column`."""
    for table, found in rows.items():
        for row in found:
            for column, value in row.items():
                text = value.decode() if isinstance(value, bytes) else str(value)
                if mark in text and not (mark.isdigit() and f"{mark}0" in text):
                    yield f"{table}.{column}"


async def test_no_table_holds_anything_of_a_forgotten_person(archive: Archive) -> None:
    await fill(archive)
    before = await archive.rows()
    assert {name for name, rows in before.items() if not rows} - OF_NOBODY == set()
    assert not [
        place for mark in (*MARKS, str(ZOYA.id)) for place in find(before, mark) if place.split(".")[0] in OF_NOBODY
    ]
    await archive.service.forget(OWNER, list_states)
    after = await archive.rows()
    assert {mark: list(find(after, mark)) for mark in MARKS} == {mark: [] for mark in MARKS}
    assert set(find(after, str(ZOYA.id))) == set(NUMBER_STAYS)
    today = {(archive.now - timedelta(hours=12)).date().isoformat(), archive.now.date().isoformat()}
    assert {row["day"] for row in after["budget_counters"]} <= today
    assert [row["type"] for row in after["events"] if row["user_id"] == ZOYA.id] == ["lead.deleted"]
    assert after["files"] == []
    assert sorted(str(row["html"]) for row in after["deliveries"]) == ["", "", "All is well."]


async def test_all_of_it_is_handed_over_before(archive: Archive) -> None:
    await fill(archive)
    found: dict[str, Any] = {}
    async with archive.service.export(OWNER, list_states) as volumes:
        async for volume in volumes:
            with zipfile.ZipFile(volume.path) as archived:
                found |= {
                    name: orjson.loads(archived.read(name)) for name in archived.namelist() if name.endswith("json")
                }
    assert found["profile.json"]["username"] == ZOYA.username
    assert found["leads.json"][0]["phone"] == PHONE
    assert (found["meetings.json"][0]["summary"], found["meetings.json"][0]["facts"]) == (WORDS, [{"quote": WORDS}])
    assert [line["summary"] for line in found["summaries.json"]] == [WORDS]
    assert [line["used"] for line in found["budgets.json"]] == [9, 9, 9]
    assert [line["state"] for line in found["broadcasts.json"]] == ["sent", "pending", "sending"]
    assert len(found["subscription.json"]) == len(found["jobs.json"]) == 1
    assert len(found["days.json"]) == 2
    assert found["states.json"] == [{f"sales:1:{ZOYA.id}:0": {"asked": WORDS}}]


async def test_broadcasts_count_forgotten_persons_and_can_end(archive: Archive) -> None:
    await fill(archive)
    await archive.service.forget(OWNER, list_states)
    store = BroadcastRepository(archive.world.database)
    sent, pending, sending = [(await store.find(number)) for number in (1, 2, 3)]
    assert sent is not None
    assert pending is not None
    assert sending is not None
    assert (pending.counts.skipped, pending.counts.pending) == (1, 0)
    assert (sending.counts.failed, sending.counts.unsettled) == (1, 0)
    await store.settle(3, ZOYA.id, RecipientState.SENT, message_id=1)  # Telegram's answer comes too late
    assert await store.find(3) == sending
    assert await store.count_audience(BOT, Audience()) == 1  # the owner alone


async def test_answer_of_the_api_is_still_known_and_reveals_nothing(archive: Archive) -> None:
    await fill(archive)
    await archive.service.forget(OWNER, list_states)
    kept = (await archive.rows())["kept_answers"]
    assert {row["idempotency_key"]: row["body"] for row in kept} == {"k": b"{}", "other": b'{"user_id":70000007770}'}
