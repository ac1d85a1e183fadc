"""All of a person's data as zip files, and gone: over both databases, in private and in groups."""

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Connection, func, select

from beseda import app_tables as tables
from beseda.app_personal_data import PERSONAL_DATA
from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.clock import SystemClock
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.engine.files.model import FileKind, FileOwner, FileSum, NewFile
from beseda.engine.files.repository import FileRepository
from beseda.engine.files.service import FileService
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.inline import InlineJobs, Timing
from beseda.engine.jobs.model import Job, JobRequest
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.ephemeral.memory.history import MemoryHistory
from beseda.ephemeral.memory.state import MemoryState
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.features.personal_data.service import PersonalDataService, Traces
from tests.contract.storage.world import BOT, World

ANYA, BORYA = FileOwner(BOT, 7), FileOwner(BOT, 8)
GROUP = ChatKey(BOT, -100)


async def never(_job: Job, _control: JobControl) -> Mapping[str, object]:
    await asyncio.Event().wait()
    return {}


@dataclass
class Office:
    """The service with everything under it."""

    world: World
    folder: Path
    files: FileService
    jobs: InlineJobs
    traces: Traces
    service: PersonalDataService

    async def put(self, owner: FileOwner, content: bytes) -> int:
        new = NewFile(owner, owner.user_id, FileKind.PHOTO, "На даче", ".jpg")
        return (await self.files.save(new, content)).id

    async def speak_in_group(self, person: int, text: str, answer: str) -> Conversation:
        group = await self.world.conversations.open(GROUP, ChatKind.SUPERGROUP, "Двор", Person(person, "…"))
        turn = Turn(new_id(), group, person, TurnKind.CHAT, input=text)
        await self.world.turns.open(turn, Message(Role.USER, text))
        await self.world.reply(turn, answer)
        await self.world.deliver(turn)
        return group

    async def count(self, *names: str) -> dict[str, int]:
        def work(connection: Connection) -> dict[str, int]:
            queries = {name: select(func.count()).select_from(tables.metadata.tables[name]) for name in names}
            return {name: connection.execute(query).scalar_one() for name, query in queries.items()}

        return await self.world.database.read(work)

    async def take(self, owner: FileOwner, limit: int = 10**7) -> list[zipfile.ZipFile]:
        found = []
        async with self.service.export(owner, limit=limit) as volumes:
            async for volume in volumes:
                content = await asyncio.to_thread(volume.path.read_bytes)
                assert len(content) == volume.size <= limit
                assert len(list(self.folder.rglob("*.zip"))) == 1
                found.append(zipfile.ZipFile(io.BytesIO(content)))
        assert list(self.folder.iterdir()) == []
        return found


@pytest.fixture
async def office(world: World, tmp_path: Path) -> AsyncIterator[Office]:
    clock = SystemClock()
    files = FileService(FileRepository(world.database), tmp_path / "files", clock)
    timing = Timing(beat=0.05)
    jobs = InlineJobs(JobRepository(world.database), {"test.run": never}, {"heavy": 1}, clock, timing)
    await jobs.start()
    traces = Traces(MemoryHistory(), MemoryState())
    folder = tmp_path / "tmp"
    store = PersonalDataRepository(world.database, PERSONAL_DATA)
    service = PersonalDataService(store, files, jobs, traces, folder)
    yield Office(world, folder, files, jobs, traces, service)
    await jobs.close()


def read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    return {name: archive.read(name) for name in archive.namelist()}


async def test_export_holds_profile_words_and_files(office: Office) -> None:
    chat = await office.world.open_conversation(7)
    await office.world.talk(chat, "Привет", "Здравствуйте")
    await office.world.talk(await office.world.open_conversation(8), "чужое", "чужое")
    number = await office.put(ANYA, b"jpeg")
    [archive] = await office.take(ANYA)
    content = read(archive)
    assert orjson.loads(content["profile.json"])["name"] == "Аня"
    said = orjson.loads(content[f"conversations/{chat.id}-001.json"])["messages"]
    assert [(item["role"], item["content"]) for item in said] == [("user", "Привет"), ("assistant", "Здравствуйте")]
    [listed] = orjson.loads(content["files-1.json"])
    assert (listed["title"], content[listed["name"]]) == ("На даче", b"jpeg")
    assert str(number) in listed["name"]
    assert "чужое" not in "".join(value.decode(errors="ignore") for value in content.values())


async def test_export_of_a_group_holds_only_ones_own_turns(office: Office) -> None:
    await office.speak_in_group(7, "моё", "мой ответ")
    group = await office.speak_in_group(8, "не моё", "не мой ответ")
    [archive] = await office.take(ANYA)
    said = orjson.loads(read(archive)[f"conversations/{group.id}-001.json"])["messages"]
    assert [item["content"] for item in said] == ["моё", "мой ответ"]


async def test_large_export_comes_in_volumes_each_whole(office: Office) -> None:
    await office.world.open_conversation(7)
    contents = [os.urandom(60_000) for _ in range(6)]
    for content in contents:
        await office.put(ANYA, content)
    archives = await office.take(ANYA, limit=150_000)
    assert len(archives) == 3
    assert all(archive.testzip() is None for archive in archives)
    photos = [data for archive in archives for name, data in read(archive).items() if name.startswith("files/")]
    assert set(contents) == set(photos)


async def test_file_too_large_for_a_volume_is_listed_as_left_out(office: Office) -> None:
    await office.world.open_conversation(7)
    await office.put(ANYA, bytes(100_000))
    [archive] = await office.take(ANYA, limit=50_000)
    [listed] = orjson.loads(read(archive)["files-1.json"])
    assert (listed["left_out"], listed["name"]) == (True, None)


async def test_export_goes_on_without_a_lost_file(office: Office) -> None:
    await office.world.open_conversation(7)
    lost, kept = await office.put(ANYA, b"lost"), await office.put(ANYA, b"kept")
    office.files.path(await office.files.find(lost, ANYA)).unlink()
    [archive] = await office.take(ANYA)
    photos = {name: data for name, data in read(archive).items() if name.startswith("files/")}
    assert list(photos.values()) == [b"kept"]
    assert str(kept) in next(iter(photos))


async def test_export_that_is_broken_off_leaves_nothing(office: Office) -> None:
    await office.world.open_conversation(7)
    with pytest.raises(RuntimeError):
        async with office.service.export(ANYA) as volumes:
            async for _volume in volumes:
                raise RuntimeError("the chat is gone")
    assert list(office.folder.iterdir()) == []


async def test_export_of_a_stranger_is_empty(office: Office) -> None:
    assert await office.take(FileOwner(BOT, 404)) == []


async def test_forgetting_removes_everything_and_lists_it(office: Office) -> None:
    chat = await office.world.open_conversation(7)
    for _ in range(3):
        await office.world.talk(chat, "секрет", "ответ")
    await office.put(ANYA, b"12345")
    await office.traces.history.append(chat.key.history_key(), [Message(Role.USER, "секрет")])
    await office.traces.state.set("mode:1:7:0", {"name": "photo"})
    found = await office.service.forget(ANYA, lambda chat: [f"mode:1:{chat.chat_id}:{chat.thread_id}"])
    assert (found.turns, found.messages, found.files, found.file_bytes, found.pending) == (3, 6, 1, 5, 0)
    emptied = ("turns", "messages", "deliveries", "model_calls", "files", "jobs")
    assert set((await office.count(*emptied)).values()) == {0}
    assert await office.traces.history.window(chat.key.history_key(), 5) is None
    assert await office.traces.state.get("mode:1:7:0") is None
    profile = await PersonalDataRepository(office.world.database, PERSONAL_DATA).profile(7)
    assert profile is not None
    assert (profile.person.name, profile.person.language) == ("", "")


async def test_forgetting_leaves_others_alone(office: Office) -> None:
    borya = await office.world.open_conversation(8)
    await office.world.talk(borya, "q", "a")
    await office.put(BORYA, b"1")
    await office.world.talk(await office.world.open_conversation(7), "q", "a")
    group = await office.speak_in_group(8, "его слова", "ответ ему")
    await office.speak_in_group(7, "мои слова", "ответ мне")
    found = await office.service.forget(ANYA)
    assert (found.turns, found.messages) == (2, 4)
    assert [message.content for message in await office.world.conversations.recent(group, 10)] == [
        "его слова",
        "ответ ему",
    ]
    assert len(await office.world.conversations.recent(borya, 10)) == 2
    assert await office.files.used(BORYA) == FileSum(1, 1)


async def test_person_known_to_another_bot_keeps_their_name_there(office: Office) -> None:
    await office.world.open_conversation(7)
    await office.world.conversations.open(ChatKey("other", 7), ChatKind.PRIVATE, "", Person(7, "Аня"))
    await office.service.forget(ANYA)
    profile = await PersonalDataRepository(office.world.database, PERSONAL_DATA).profile(7)
    assert profile is not None
    assert profile.person.name == "Аня"


async def test_turn_under_way_gets_through(office: Office) -> None:
    chat = await office.world.open_conversation(7)
    await office.world.talk(chat, "секрет", "ответ")
    turn = await office.world.receive(chat, "/forget")
    found = await office.service.forget(ANYA)
    assert (found.turns, found.pending) == (1, 1)
    await office.world.reply(turn, "Всё забыто")
    await office.world.deliver(turn)
    stored = await office.world.turns.find(turn.id)
    assert stored is not None
    assert stored.state is TurnState.DELIVERED
    await office.world.talk(chat, "Снова я", "Здравствуйте")


async def test_running_and_waiting_jobs_end_before_they_are_forgotten(office: Office) -> None:
    await office.world.open_conversation(7)
    for number in (1, 2):
        await office.jobs.enqueue(JobRequest(number, "test.run", {}, BOT, 7, 7))
    found = await office.service.forget(ANYA)
    assert found.jobs == 2
    assert await office.jobs.find(1) is None
    assert await office.count("jobs") == {"jobs": 0}


async def test_many_turns_are_forgotten_in_pieces(office: Office) -> None:
    chat = await office.world.open_conversation(7)
    for _ in range(201):
        await office.world.talk(chat, "q", "a")
    found = await office.service.forget(ANYA)
    assert (found.turns, found.messages) == (201, 402)
