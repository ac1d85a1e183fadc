"""The parts that all bots of a process share."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beseda.bootstrap.broadcast import build_broadcasts
from beseda.bootstrap.budget import build_budgets
from beseda.bootstrap.hot import HotStores, open_hot
from beseda.bootstrap.job import open_jobs
from beseda.bootstrap.lead import build_leads
from beseda.bootstrap.media import open_downloads, open_ffmpeg
from beseda.bootstrap.models import ModelShelf
from beseda.bootstrap.record import Record, open_database, open_record
from beseda.bootstrap.report import build_reports
from beseda.bootstrap.webhook import build_webhooks
from beseda.config import Settings
from beseda.config.model import llm_settings
from beseda.config.photo import photo_settings
from beseda.errors import StorageError
from beseda.kit.clock import Clock, SystemClock
from beseda.llm.base import ChatModel
from beseda.llm.registry import choose_model
from beseda.photo.base import Enhancer
from beseda.photo.darkroom import Darkroom
from beseda.photo.registry import build_enhancer
from beseda.services.analytics import AnalyticsService
from beseda.services.api_key import ApiKeyService
from beseda.services.broadcast import BroadcastService
from beseda.services.budget import BudgetService
from beseda.services.budgeted import BudgetedEnhancer
from beseda.services.call_book import CallBook
from beseda.services.file import FileService
from beseda.services.housekeeping import Housekeeping, Shelves
from beseda.services.lead import LeadService
from beseda.services.meeting import MeetingService
from beseda.services.personal_data import PersonalDataService, Traces
from beseda.services.report import ReportService
from beseda.services.summary import SummaryService
from beseda.services.takeover import TakeoverService
from beseda.services.transcription import DiskBudget, TranscriptionRules, TranscriptionService
from beseda.services.voice import VoiceService
from beseda.services.webhook import WebhookService
from beseda.speech.base import Transcriber
from beseda.speech.registry import SpeechSettings, build_transcriber

if TYPE_CHECKING:
    from beseda.jobs.celery import CeleryJobs
    from beseda.jobs.inline import InlineJobs


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
    budgets: BudgetService
    jobs: "InlineJobs | CeleryJobs"
    meetings: MeetingService
    leads: LeadService
    webhooks: WebhookService
    api_keys: ApiKeyService
    analytics: AnalyticsService
    reports: ReportService
    summaries: SummaryService
    call_book: CallBook
    takeovers: TakeoverService
    broadcasts: BroadcastService

    def build_housekeeping(self) -> Housekeeping:
        """Return what tidies up in this process."""
        shelves = Shelves(self.record.jobs, self.files, self.settings.keep_days)
        return Housekeeping(self.record.updates, self.clock, shelves)

    def build_personal_data(self, namespace: str = "") -> PersonalDataService:
        """Return what exports and forgets people's data; `namespace` is that of a bot's hot history."""
        traces = Traces(self.hot.history, self.hot.state, namespace, self.summaries)
        return PersonalDataService(self.record.personal_data, self.files, self.jobs, traces, self.downloads)

    async def check_database(self) -> str:
        """Return what is wrong with the database, in a word for `/ready`; empty when it answers."""
        try:
            await self.record.updates.unfinished("", limit=1)
        except StorageError:
            return "does not answer"
        return ""


@asynccontextmanager
async def open_container(settings: Settings, *, model: ChatModel | None = None) -> AsyncIterator[Container]:
    """Open everything that `settings` name; `model` stands in for the one they would choose.

    Raises SettingsError, and StorageError where the database or Redis cannot be reached.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        record = open_record(database, clock, settings.admin_ids)
        hot = await open_hot(settings, database, stack)
        chosen = model or await choose_model(llm_settings(settings), clock)
        stack.push_async_callback(chosen.close)
        models = ModelShelf(chosen, llm_settings(settings), clock, look_around=model is None)
        stack.push_async_callback(models.close)
        transcriber = build_transcriber(speech_settings(settings))
        stack.push_async_callback(transcriber.close)
        downloads = await asyncio.to_thread(open_downloads, settings.storage_dir / "tmp")
        stack.push_async_callback(asyncio.to_thread, shutil.rmtree, downloads, ignore_errors=True)
        ffmpeg = open_ffmpeg()
        voice = VoiceService(transcriber, ffmpeg, downloads)
        rules = TranscriptionRules(budget=DiskBudget(settings.temp_budget * 1024 * 1024))
        transcription = TranscriptionService(transcriber, ffmpeg, downloads, rules=rules, clock=clock)
        enhancer = build_enhancer(photo_settings(settings), Darkroom())
        stack.push_async_callback(enhancer.close)
        files = FileService(record.files, settings.storage_dir / "files", clock)
        jobs = await open_jobs(record.jobs, settings, hot.bus, clock, stack)
        summaries = SummaryService(record.summaries, jobs, clock, hot.bus)
        summaries.start()
        stack.push_async_callback(summaries.close)
        api_keys = ApiKeyService(record.api_keys, clock)
        stack.push_async_callback(api_keys.close)
        webhooks = build_webhooks(settings, record, jobs, clock, stack)
        database.listen(webhooks.ring)
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
            enhancer=BudgetedEnhancer(enhancer),
            downloads=downloads,
            files=files,
            budgets=build_budgets(settings, record.budgets, clock),
            jobs=jobs,
            meetings=MeetingService(record.meetings, jobs, hot.bus, clock),
            leads=build_leads(record, hot, clock, region=settings.phone_region),
            webhooks=webhooks,
            api_keys=api_keys,
            analytics=AnalyticsService(record.analytics, clock),
            summaries=summaries,
            call_book=CallBook(record.model_calls, clock),
            reports=build_reports(settings, record, jobs, clock),
            takeovers=TakeoverService(record.takeovers, record.updates, hot.bus, clock),
            broadcasts=build_broadcasts(settings, record, jobs, clock),
        )


def speech_settings(settings: Settings) -> SpeechSettings:
    """Return what the recognisers need to know of the settings."""
    return SpeechSettings(",".join(settings.speech), settings.api_keys, settings.base_urls)
