"""A person's own data in one bot: all of it as zip files, or gone."""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import orjson

from beseda.core.chat import ChatKey, Conversation
from beseda.core.errors import NotFoundError, StorageError
from beseda.engine.conversations.summary import SummaryService
from beseda.engine.files.model import FileOwner, StoredFile
from beseda.engine.files.service import DiskFullError, FileService, is_full
from beseda.engine.jobs.base import JobQueue
from beseda.ephemeral.base import HistoryStore, StateStore
from beseda.features.personal_data._volumes import Volume, ZipEntry, fits, write_volumes
from beseda.features.personal_data.forgotten import ForgottenList
from beseda.features.personal_data.model import Forgotten, Profile, Said
from beseda.features.personal_data.repository import PersonalDataRepository

log = logging.getLogger(__name__)

# Telegram takes documents of 50 MB from bots: https://core.telegram.org/bots/api#senddocument
VOLUME_LIMIT = 48 * 1024 * 1024
_PAGE = 500
_PIECE = 4 * 1024 * 1024  # bytes of conversation in one entry
_ABANDONED = 24 * 3600.0  # a folder that no volume was added to for so long is a crash's
_PATIENCE = 15.0  # seconds that running jobs have to end

NameStates = Callable[[ChatKey], Sequence[str]]  # the keys of what the state store holds of a chat


@dataclass(frozen=True, slots=True)
class Traces:
    """Stores of a person's data beside the database. `namespace` is that of the list of the bot's recent messages."""

    history: HistoryStore
    state: StateStore
    namespace: str = ""
    summaries: SummaryService | None = None
    forgotten: ForgottenList | None = None
    """The list that a restored backup is compared with."""


class PersonalDataService:
    """Exports and erases the data that a bot has about a person. Methods raise StorageError."""

    def __init__(
        self, store: PersonalDataRepository, files: FileService, jobs: JobQueue, traces: Traces, folder: Path
    ) -> None:
        """`folder` is for zip files while they are written and sent."""
        self._store = store
        self._files = files
        self._jobs = jobs
        self._traces = traces
        self._folder = folder

    @asynccontextmanager
    async def export(
        self, owner: FileOwner, name_states: NameStates = lambda _chat: (), *, limit: int = VOLUME_LIMIT
    ) -> AsyncIterator[AsyncIterator[Volume]]:
        """Yield all of a person's data as zip files of at most `limit` bytes.

        Each file has to be sent before the next is requested. `name_states` returns the keys in the state store for
        each of their private chats. A file too large for any volume is listed in `files-N.json` as left out. No data
        stays on disk afterwards. Raises DiskFullError.
        """
        folder = Path(await asyncio.to_thread(self._make_folder))
        try:
            entries = self._collect(owner, name_states, limit)
            async with aclosing(_write(entries, folder, limit)) as volumes:
                yield volumes
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def forget(self, owner: FileOwner, name_states: NameStates = lambda _chat: ()) -> Forgotten:
        """Delete the person's jobs, files, turns, recent messages and state, and return the amounts.

        Running jobs are cancelled first, so that none of them writes a new file. `name_states` is the same as for
        `export`.
        """
        await self._enter_into_list(owner)
        cancelled = await self._end_jobs(owner)
        files = await self._files.delete_all(owner)
        await self._delete_invitations(owner)
        conversations = await self._store.conversations(owner)
        found = await self._store.forget(owner)
        await self._drop_summaries(conversations)
        for chat in found.chats:
            await self._traces.history.clear(chat.history_key(self._traces.namespace))
        for key in _list_states(owner, found.chats, name_states):
            await self._traces.state.delete(key)
        log.info("forgot %d turns, %d files, %d jobs (%d cancelled)", found.turns, files.count, found.jobs, cancelled)
        return replace(found, files=files.count, file_bytes=files.size)

    async def _enter_into_list(self, owner: FileOwner) -> None:
        # First: a process that dies in the middle has erased a part, and a restored backup must not undo that.
        if self._traces.forgotten is not None:
            try:
                await self._traces.forgotten.add(owner)
            except OSError as error:
                raise StorageError(f"the list of forgotten people cannot be written: {error.strerror}") from error

    async def _drop_summaries(self, conversations: Sequence[Conversation]) -> None:
        if self._traces.summaries is not None:
            for conversation in conversations:
                await self._traces.summaries.drop(conversation.id)

    async def _end_jobs(self, owner: FileOwner) -> int:
        numbers = await self._store.unfinished_jobs(owner)
        for number in numbers:
            await self._jobs.cancel(number)
        try:
            async with asyncio.timeout(_PATIENCE):
                for number in numbers:
                    await self._jobs.wait(number)
        except (TimeoutError, NotFoundError):
            log.warning("a job of a person to be forgotten does not end")
        return len(numbers)

    async def _delete_invitations(self, owner: FileOwner) -> None:
        """Delete the calendar files of the person's meetings that other people received."""
        invitations = await self._store.invitations(owner)
        names = [uid.encode() for uid in invitations.uids]
        for number, holder in invitations.files:
            try:
                content = await self._files.read(await self._files.find(number, holder))
            except NotFoundError:
                continue
            if any(name in content for name in names):
                await self._files.delete(number, holder)

    def _make_folder(self) -> str:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._folder.glob("export-*"):
            if left.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
        return tempfile.mkdtemp(prefix="export-", dir=self._folder)

    async def _collect(self, owner: FileOwner, name_states: NameStates, limit: int) -> AsyncGenerator[ZipEntry, None]:
        profile = await self._store.profile(owner.user_id)
        if profile is not None:
            yield _to_json("profile.json", _describe_person(owner, profile))
        conversations = await self._store.conversations(owner)
        for conversation in conversations:
            async for entry in self._tell(conversation, owner):
                yield entry
        traces = await self._store.export(owner)
        keys = _list_states(owner, [conversation.key for conversation in conversations], name_states)
        traces["states"] = [{key: value} for key in keys if (value := await self._traces.state.get(key)) is not None]
        for name, rows in traces.items():
            if rows:
                yield _to_json(f"{name}.json", rows)
        async for entry in self._hand_over(owner, limit):
            yield entry

    async def _hand_over(self, owner: FileOwner, limit: int) -> AsyncGenerator[ZipEntry, None]:
        """Yield the person's files, each page of them behind its list."""
        for page in count():
            found = await self._files.list(owner, page=page, size=_PAGE)
            entries = [self._enter(file) for file in found.files]
            if entries:
                lines = zip(found.files, entries, strict=True)
                yield _to_json(f"files-{page + 1}.json", [_describe(file, entry, limit) for file, entry in lines])
            for entry in entries:
                if fits(entry, limit):
                    yield entry
            if page + 1 >= found.pages:
                return

    def _enter(self, file: StoredFile) -> ZipEntry:
        name = f"files/{file.created_at:%Y-%m-%d_%H-%M}_{file.kind}_{Path(file.path).name}"
        return ZipEntry(name, self._files.path(file), file.size, file.created_at)

    async def _tell(self, conversation: Conversation, owner: FileOwner) -> AsyncGenerator[ZipEntry, None]:
        """Yield a conversation in pieces, each valid JSON."""
        number, size, last = 0, 0, None
        said: list[Said] = []
        while batch := await self._store.said(conversation, owner, after=last):
            last = batch[-1]
            said += batch
            size += sum(len(item.content.encode(errors="replace")) for item in batch)
            if size > _PIECE:
                number += 1
                yield _write_conversation(conversation, number, said)
                said, size = [], 0
        if said:
            yield _write_conversation(conversation, number + 1, said)


async def _write(entries: AsyncGenerator[ZipEntry, None], folder: Path, limit: int) -> AsyncGenerator[Volume, None]:
    try:
        async with aclosing(entries), aclosing(write_volumes(entries, folder, limit)) as volumes:
            async for volume in volumes:
                yield volume
    except OSError as error:
        kind = DiskFullError if is_full(error) else StorageError
        raise kind(f"cannot write an export: {error.strerror or type(error).__name__}") from error


def _list_states(owner: FileOwner, chats: Iterable[ChatKey], name_states: NameStates) -> list[str]:
    # What is kept of a group is everybody's; a private chat has the number of its person.
    return [key for chat in chats if chat.chat_id == owner.user_id for key in name_states(chat)]


def _write_conversation(conversation: Conversation, number: int, said: Sequence[Said]) -> ZipEntry:
    lines = [{"role": item.role, "content": item.content, "at": item.created_at} for item in said]
    chat = {"chat_id": conversation.key.chat_id, "topic": conversation.key.thread_id, "kind": conversation.kind}
    name = f"conversations/{conversation.id}-{number:03}.json"
    return _to_json(name, {**chat, "title": conversation.title, "messages": lines})


def _describe_person(owner: FileOwner, profile: Profile) -> dict[str, object]:
    person = profile.person
    return {
        "bot": owner.bot,
        "id": person.id,
        "name": person.name,
        "username": person.username,
        "language": person.language,
        "first_seen_at": profile.created_at,
        "last_seen_at": profile.last_seen_at,
    }


def _describe(file: StoredFile, entry: ZipEntry, limit: int) -> dict[str, object]:
    return {
        "name": entry.name if fits(entry, limit) else None,
        "left_out": not fits(entry, limit),
        "title": file.title,
        "kind": file.kind,
        "type": file.mime,
        "size": file.size,
        "sha256": file.sha256,
        "created_at": file.created_at,
    }


def _to_json(name: str, value: object) -> ZipEntry:
    content = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    return ZipEntry(name, content, len(content))
