"""The one place that builds objects: settings in, a container out, closed in reverse order."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from beseda.audio.base import Listener, Recording, Sound, Span
from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.config import Settings
from beseda.config.model import llm_settings as llm_settings  # noqa: PLC0414 - offered here, too
from beseda.config.photo import photo_settings
from beseda.errors import SettingsError, StorageError, ToolError
from beseda.jobs.base import JobStore
from beseda.jobs.inline import InlineJobs
from beseda.kit.clock import Clock, SystemClock
from beseda.llm.base import ChatModel
from beseda.llm.discovery import find_local_servers
from beseda.llm.endpoints import find_endpoint
from beseda.llm.http import HttpClient
from beseda.llm.registry import LLMSettings, choose_model, list_configured, parse_spec
from beseda.photo.base import Enhancer
from beseda.photo.darkroom import Darkroom
from beseda.photo.registry import build_enhancer
from beseda.services.file import FileService
from beseda.services.housekeeping import Housekeeping, Shelves
from beseda.services.personal_data import PersonalDataService, Traces
from beseda.services.transcription import DiskBudget, TranscriptionRules, TranscriptionService
from beseda.services.voice import VoiceService
from beseda.speech.base import Transcriber
from beseda.speech.registry import SpeechSettings, build_transcriber
from beseda.storage.base import (
    Cache,
    ConversationStore,
    FileStore,
    FloodWaitStore,
    HistoryStore,
    PersonalDataStore,
    RateLimiter,
    StateStore,
    TurnStore,
    UpdateStore,
)
from beseda.storage.memory.cache import MemoryCache
from beseda.storage.memory.history import MemoryHistory
from beseda.storage.memory.rate_limit import MemoryRateLimiter
from beseda.storage.sql.conversation import SqlConversationRepository
from beseda.storage.sql.database import Database
from beseda.storage.sql.file import SqlFileRepository
from beseda.storage.sql.flood_wait import SqlFloodWaitRepository
from beseda.storage.sql.job import SqlJobRepository
from beseda.storage.sql.migrate import upgrade
from beseda.storage.sql.personal_data import SqlPersonalDataRepository
from beseda.storage.sql.state import SqlState
from beseda.storage.sql.turn import SqlTurnRepository
from beseda.storage.sql.update import SqlUpdateRepository

log = logging.getLogger(__name__)

_FFMPEG_SLOTS = 2


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered for good."""

    updates: UpdateStore
    turns: TurnStore
    conversations: ConversationStore
    flood_waits: FloodWaitStore
    jobs: JobStore
    files: FileStore
    personal_data: PersonalDataStore


@dataclass(frozen=True, slots=True)
class HotStores:
    """What is short-lived, or quicker to have at hand."""

    history: HistoryStore
    state: StateStore
    cache: Cache
    limiter: RateLimiter


@dataclass(frozen=True, slots=True)
class Container:
    """The parts that all bots of a process share."""

    settings: Settings
    clock: Clock
    record: Record
    hot: HotStores
    model: ChatModel
    models: "ModelShelf"
    transcriber: Transcriber
    voice: VoiceService
    transcription: TranscriptionService
    enhancer: Enhancer
    downloads: Path
    files: FileService
    jobs: InlineJobs

    def build_housekeeping(self) -> Housekeeping:
        """Return what tidies up in this process."""
        shelves = Shelves(self.record.jobs, self.files, self.settings.keep_days)
        return Housekeeping(self.record.updates, self.clock, shelves)

    def build_personal_data(self, namespace: str = "") -> PersonalDataService:
        """Return what exports and forgets people's data; `namespace` is that of a bot's hot history."""
        traces = Traces(self.hot.history, self.hot.state, namespace)
        return PersonalDataService(self.record.personal_data, self.files, self.jobs, traces, self.downloads)

    async def check_database(self) -> str:
        """Return what is wrong with the database, in a word for `/ready`; empty when it answers."""
        try:
            await self.record.updates.unfinished("", limit=1)
        except StorageError:
            return "does not answer"
        return ""


class ModelShelf:
    """The models of a process: the program's own, and those that bots ask for by spec, each built at first use.

    Of a spec only endpoints count that are set up, or servers of this machine that answer (`look_around`). Where none
    is left the program's own model answers: a bot that cannot have its model is still a bot.
    """

    def __init__(self, program: ChatModel, settings: LLMSettings, clock: Clock, *, look_around: bool = True) -> None:
        self._program = program
        self._settings = settings
        self._clock = clock
        self._look_around = look_around
        self._built: dict[str, ChatModel] = {}
        self._lock = asyncio.Lock()

    async def find(self, spec: str) -> ChatModel:
        """Return the model of a spec, or the program's own where the spec is empty or nothing in it is set up."""
        if not spec:
            return self._program
        if spec not in self._built:
            async with self._lock:
                if spec not in self._built:
                    self._built[spec] = await self._build(spec)
        return self._built[spec]

    async def close(self) -> None:
        """Close what was built here."""
        for model in self._built.values():
            if model is not self._program:
                await model.close()

    async def _build(self, spec: str) -> ChatModel:
        try:
            settings = await choose_configured(spec, self._settings, look_around=self._look_around)
            if settings is not None:
                return await choose_model(settings, self._clock)
            log.info("nothing of %s is set up here: %s answers instead", spec, self._program.name)
        except SettingsError as error:
            log.warning("%s is left aside, %s answers instead: %s", spec, self._program.name, error.detail)
        return self._program


async def choose_configured(spec: str, settings: LLMSettings, *, look_around: bool) -> LLMSettings | None:
    """Return settings for the part of `spec` that can be used here, or None. Raises SettingsError for a wrong spec."""
    configured = {row.name for row in list_configured(settings)}
    urls = dict(settings.base_urls)
    usable = []
    for address in parse_spec(spec):
        row = find_endpoint(address.endpoint)
        if row is not None and row.is_local and row.name not in configured and look_around:
            urls |= await _find_here(row.name, settings)
        if row is None or row.name in configured or row.name in urls:
            usable.append(":".join(filter(None, address)))
    return replace(settings, model=",".join(usable), base_urls=urls) if usable else None


async def _find_here(endpoint: str, settings: LLMSettings) -> dict[str, str]:
    http = HttpClient()
    try:
        servers = await find_local_servers(http, settings.local_servers)
    finally:
        await http.close()
    return {server.endpoint.name: server.base_url for server in servers if server.endpoint.name == endpoint}


@asynccontextmanager
async def open_container(settings: Settings, *, model: ChatModel | None = None) -> AsyncIterator[Container]:
    """Open everything that `settings` name; `model` stands in for the one they would choose.

    Raises SettingsError, and StorageError where the database or Redis cannot be reached.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = await _open_database(settings, stack)
        record = _open_record(database, clock)
        hot = await _open_hot(settings, SqlState(database, clock), stack)
        chosen = model or await choose_model(llm_settings(settings), clock)
        stack.push_async_callback(chosen.close)
        models = ModelShelf(chosen, llm_settings(settings), clock, look_around=model is None)
        stack.push_async_callback(models.close)
        transcriber = build_transcriber(speech_settings(settings))
        stack.push_async_callback(transcriber.close)
        downloads = settings.storage_dir / "tmp"
        await asyncio.to_thread(_empty_folder, downloads)
        ffmpeg = _find_ffmpeg()
        voice = VoiceService(transcriber, ffmpeg, downloads)
        rules = TranscriptionRules(budget=DiskBudget(settings.temp_budget * 1024 * 1024))
        transcription = TranscriptionService(transcriber, ffmpeg, downloads, rules=rules, clock=clock)
        enhancer = build_enhancer(photo_settings(settings), Darkroom())
        stack.push_async_callback(enhancer.close)
        files = FileService(record.files, settings.storage_dir / "files", clock)
        jobs = await _open_jobs(record.jobs, settings, clock, stack)
        yield Container(
            settings=settings,
            clock=clock,
            record=record,
            hot=hot,
            model=chosen,
            models=models,
            transcriber=transcriber,
            voice=voice,
            transcription=transcription,
            enhancer=enhancer,
            downloads=downloads,
            files=files,
            jobs=jobs,
        )


def speech_settings(settings: Settings) -> SpeechSettings:
    """Return what the recognisers need to know of the settings."""
    return SpeechSettings(",".join(settings.speech), settings.api_keys, settings.base_urls)


async def _open_database(settings: Settings, stack: AsyncExitStack) -> Database:
    await upgrade(settings.database())
    database = await Database.open(settings.database())
    stack.push_async_callback(database.close)
    return database


def _open_record(database: Database, clock: Clock) -> Record:
    return Record(
        SqlUpdateRepository(database, clock),
        SqlTurnRepository(database, clock),
        SqlConversationRepository(database, clock),
        SqlFloodWaitRepository(database, clock),
        SqlJobRepository(database, clock),
        SqlFileRepository(database),
        SqlPersonalDataRepository(database, clock),
    )


async def _open_jobs(store: JobStore, settings: Settings, clock: Clock, stack: AsyncExitStack) -> InlineJobs:
    jobs = InlineJobs(store, {}, settings.slots(), clock)
    stack.push_async_callback(jobs.close)
    await jobs.start()
    return jobs


async def _open_hot(settings: Settings, state: SqlState, stack: AsyncExitStack) -> HotStores:
    if settings.redis_url is None:
        clock = SystemClock()
        await state.purge()
        return HotStores(MemoryHistory(clock), state, MemoryCache(clock), MemoryRateLimiter(clock))
    from beseda.storage.redis.cache import RedisCache
    from beseda.storage.redis.connection import open_redis
    from beseda.storage.redis.history import RedisHistory
    from beseda.storage.redis.rate_limit import RedisRateLimiter
    from beseda.storage.redis.state import RedisState

    redis = await open_redis(settings.redis_url)
    stack.push_async_callback(redis.aclose)
    return HotStores(RedisHistory(redis), RedisState(redis), RedisCache(redis), RedisRateLimiter(redis))


def _find_ffmpeg() -> "Ffmpeg | _NoFfmpeg":
    try:
        return Ffmpeg(find_ffmpeg(), asyncio.Semaphore(_FFMPEG_SLOTS))
    except ToolError as error:
        return _NoFfmpeg(error.detail)


class _NoFfmpeg:
    """Stands where ffmpeg is missing: the bots run, and a recording is answered with a plain sentence."""

    def __init__(self, detail: str) -> None:
        self._detail = detail

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        raise ToolError(self._detail)

    async def probe(self, source: Path) -> Sound:
        raise ToolError(self._detail)

    async def transcode_speech(
        self, source: Path, target: Path, sound: Sound, *, max_seconds: float, listener: Listener | None = None
    ) -> Recording:
        raise ToolError(self._detail)

    async def find_silences(self, source: Path, window: Span) -> Sequence[Span]:
        raise ToolError(self._detail)

    async def cut(self, source: Path, target: Path, span: Span) -> Recording:
        raise ToolError(self._detail)


def _empty_folder(folder: Path) -> None:
    """Make the folder for downloads and clear what a crash has left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
