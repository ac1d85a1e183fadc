"""The application: settings in, services out; opened and closed in one place, in reverse order."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from beseda.app_checks import build_watch, list_checks
from beseda.app_database import open_database
from beseda.app_personal_data import PERSONAL_DATA
from beseda.app_settings import llm_settings, photo_settings, speech_settings
from beseda.audio.ffmpeg import Ffmpeg
from beseda.config import Settings
from beseda.core.clock import Clock, SystemClock
from beseda.core.disk import StorageFolder
from beseda.core.quarantine import Quarantine
from beseda.core.services import Services
from beseda.core.temporary_folder import open_temporary_folder
from beseda.core.time_zones import read_quiet_hours
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.summary import SummaryService
from beseda.engine.conversations.summary_repository import SummaryRepository
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.repository import FileRepository
from beseda.engine.files.service import FileService
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.processes.registry import ProcessRegistry
from beseda.engine.processes.repository import ProcessRepository
from beseda.engine.updates.repository import UpdateRepository
from beseda.engine.usage.budget import BudgetRules, BudgetScope, read_limits
from beseda.engine.usage.budget_service import BudgetService
from beseda.engine.usage.budgeted import BudgetedEnhancer
from beseda.engine.usage.ledger import UsageLedger
from beseda.engine.usage.model_calls import ModelCallRepository
from beseda.engine.usage.repository import BudgetRepository
from beseda.engine.watch import Condition, ConditionWatch
from beseda.ephemeral.base import RateLimiter
from beseda.ephemeral.stores import EphemeralStores, open_ephemeral
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.analytics.service import AnalyticsService
from beseda.features.api_keys.repository import ApiKeyRepository
from beseda.features.api_keys.service import ApiKeyService
from beseda.features.broadcasts.mailing import MailingRules
from beseda.features.broadcasts.model import BroadcastPlan, StopRule
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.broadcasts.service import SLOT as BROADCAST_SLOT
from beseda.features.broadcasts.service import BroadcastRules, BroadcastService
from beseda.features.broadcasts.subscriptions import SubscriptionRepository
from beseda.features.conversations.queries import ConversationList
from beseda.features.jobs.queries import JobList
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.service import LeadService
from beseda.features.meetings.repository import MeetingRepository
from beseda.features.meetings.service import MeetingService
from beseda.features.personal_data.forgotten import ForgottenList
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.features.personal_data.service import PersonalDataService, Traces
from beseda.features.reports import ReportService
from beseda.features.reports.gather import Gatherer
from beseda.features.reports.repository import ReportRepository
from beseda.features.takeover.repository import TakeoverRepository
from beseda.features.takeover.service import TakeoverService
from beseda.features.transcription import DiskBudget, TranscriptionRules, TranscriptionService
from beseda.features.transcription.voice import VoiceService
from beseda.features.webhooks.http import HttpSender
from beseda.features.webhooks.keys import EventSecrets
from beseda.features.webhooks.repository import WebhookRepository
from beseda.features.webhooks.service import WebhookService
from beseda.http.client import HttpClient
from beseda.images.base import Enhancer
from beseda.images.process_pool import ImageProcessPool
from beseda.images.registry import build_enhancer
from beseda.llm.base import ChatModel
from beseda.llm.provider import ModelProvider
from beseda.speech.base import Transcriber
from beseda.speech.registry import build_transcriber
from beseda.web.idempotency import IdempotencyRepository

if TYPE_CHECKING:
    from beseda.engine.jobs.celery import CeleryJobs

_FFMPEG_SLOTS = 2  # a transcoding takes a core; the event loop needs one, too


@dataclass(frozen=True, slots=True)
class MediaTools:
    """Tools for recordings and photos; `downloads` is the temporary folder of this process, deleted at the end."""

    transcriber: Transcriber
    voice: VoiceService
    transcription: TranscriptionService
    enhancer: Enhancer
    downloads: Path


@dataclass(frozen=True, slots=True)
class EngineServices:
    """The services that every feature stands on.

    `conversations` has a cache, so that there is one in a process. Other repositories are built where they are needed.
    """

    clock: Clock
    database: Database
    updates: UpdateRepository
    conversations: ConversationRepository
    ephemeral: EphemeralStores
    models: ModelProvider
    media: MediaTools
    files: FileService
    budgets: BudgetService
    usage: UsageLedger
    jobs: "InlineJobs | CeleryJobs"
    summaries: SummaryService
    processes: ProcessRegistry
    quarantine: Quarantine = field(default_factory=Quarantine)


@dataclass(frozen=True, slots=True)
class FeatureServices:
    """The services of the features."""

    leads: LeadService
    meetings: MeetingService
    broadcasts: BroadcastService
    analytics: AnalyticsService
    reports: ReportService
    webhooks: WebhookService
    api_keys: ApiKeyService
    takeovers: TakeoverService


@dataclass(frozen=True, slots=True)
class App:
    """The services of a process, shared by its bots, its API and its jobs; `services` has them by type."""

    settings: Settings
    engine: EngineServices
    features: FeatureServices
    watch: ConditionWatch
    services: Services

    def build_personal_data(self, namespace: str = "") -> PersonalDataService:
        """Return the export and erasure of personal data; `namespace` is that of a bot's short-term history."""
        engine, settings = self.engine, self.settings
        forgotten = ForgottenList(settings.forgotten_list, engine.clock)
        traces = Traces(engine.ephemeral.history, engine.ephemeral.state, namespace, engine.summaries, forgotten)
        repository = PersonalDataRepository(engine.database, PERSONAL_DATA, engine.clock, settings.admin_ids)
        return PersonalDataService(repository, engine.files, engine.jobs, traces, engine.media.downloads)

    def list_checks(self) -> Mapping[str, Condition]:
        """Return the checks behind `/ready`."""
        engine = self.engine
        return list_checks(self.settings, engine.updates, engine.processes, engine.ephemeral)

    def join(self, role: str, *, slots: Sequence[str] = (), keeps_schedule: bool = False) -> None:
        """Announce this process to the others, and log stalled parts of the installation, until the app is closed.

        `slots` are the kinds of job that the process works on.
        """
        self.engine.processes.start(role, slots=slots, keeps_schedule=keeps_schedule)
        self.watch.start()


@asynccontextmanager
async def open_app(
    settings: Settings, *, model: ChatModel | None = None, clock: Clock | None = None
) -> AsyncIterator[App]:
    """Open everything that `settings` name; `model` and `clock` replace those of the settings.

    Raises SettingsError. Raises StorageError if the database or Redis cannot be reached.
    """
    async with AsyncExitStack() as stack:
        engine = await _open_engine(settings, clock or SystemClock(), stack, model)
        features = await _open_features(settings, engine, stack)
        watch = build_watch(settings, engine.processes, features.webhooks, features.analytics, engine.clock)
        stack.push_async_callback(watch.close)
        yield App(settings, engine, features, watch, _collect_services(settings, engine, features))


def _collect_services(settings: Settings, engine: EngineServices, features: FeatureServices) -> Services:
    services, database = Services(), engine.database
    services.add(StorageFolder(settings.storage_dir))
    services.add(engine.clock, Clock)
    services.add(engine.ephemeral.limiter, RateLimiter)
    services.add(engine.jobs, JobQueue)
    services.add(engine.media.enhancer, Enhancer)
    for service in (
        database,
        engine.conversations,
        engine.models,
        engine.files,
        engine.budgets,
        engine.usage,
        engine.processes,
        engine.media.voice,
        engine.media.transcription,
        *(getattr(features, item.name) for item in fields(features)),
        # Repositories of the API's lists.
        ConversationList(database),
        FileRepository(database),
        JobList(database),
        IdempotencyRepository(database, engine.clock),
    ):
        services.add(service)
    return services


async def _open_engine(
    settings: Settings, clock: Clock, stack: AsyncExitStack, model: ChatModel | None
) -> EngineServices:
    database = await open_database(settings, stack)
    ephemeral = await open_ephemeral(settings.redis_url, database, stack)
    http = await stack.enter_async_context(HttpClient())
    models = await ModelProvider.open(llm_settings(settings), clock, http, program=model)
    stack.push_async_callback(models.close)
    media = await _open_media(settings, clock, stack)
    jobs = _build_jobs(settings, JobRepository(database, clock, shared=True), clock)
    jobs.connect(ephemeral.bus)
    stack.push_async_callback(jobs.close)
    await jobs.start()
    summaries = SummaryService(SummaryRepository(database, clock), jobs, clock, ephemeral.bus)
    summaries.start()
    stack.push_async_callback(summaries.close)
    processes = ProcessRegistry(ProcessRepository(database), clock)
    stack.push_async_callback(processes.close)
    names = [f"{scope}_{unit}" for scope in BudgetScope for unit in ("tokens", "speech_minutes", "pictures")]
    limits = read_limits({name: getattr(settings, f"budget_{name}") for name in names})
    budget_rules = BudgetRules(limits, ",".join(settings.budget_cheaper_model), settings.time_zone)
    return EngineServices(
        clock=clock,
        database=database,
        updates=UpdateRepository(database, clock),
        conversations=ConversationRepository(database, clock),
        ephemeral=ephemeral,
        models=models,
        media=media,
        files=FileService(FileRepository(database), settings.storage_dir / "files", clock),
        budgets=BudgetService(BudgetRepository(database, clock), clock, budget_rules),
        usage=UsageLedger(ModelCallRepository(database, clock), clock),
        jobs=jobs,
        summaries=summaries,
        processes=processes,
    )


async def _open_media(settings: Settings, clock: Clock, stack: AsyncExitStack) -> MediaTools:
    transcriber = build_transcriber(speech_settings(settings))
    stack.push_async_callback(transcriber.close)
    downloads = await asyncio.to_thread(open_temporary_folder, settings.storage_dir / "tmp")
    stack.push_async_callback(asyncio.to_thread, shutil.rmtree, downloads, ignore_errors=True)
    ffmpeg = Ffmpeg(None, asyncio.Semaphore(_FFMPEG_SLOTS))
    rules = TranscriptionRules(budget=DiskBudget(settings.temp_budget * 1024 * 1024))
    enhancer = build_enhancer(photo_settings(settings), ImageProcessPool())
    stack.push_async_callback(enhancer.close)
    return MediaTools(
        transcriber,
        VoiceService(transcriber, ffmpeg, downloads),
        TranscriptionService(transcriber, ffmpeg, downloads, rules=rules, clock=clock),
        BudgetedEnhancer(enhancer),
        downloads,
    )


def _build_jobs(settings: Settings, store: JobRepository, clock: Clock) -> "InlineJobs | CeleryJobs":
    """Return the queue that the settings name, in this process or with a broker that wakes the workers."""
    slots = settings.slots()
    # Broadcasts have a slot of their own, as wide as `light`: each takes its place for minutes, and in `light` four of
    # them held up webhooks and meetings.
    slots[BROADCAST_SLOT] = slots["light"]
    if settings.celery_broker_url is None:
        return InlineJobs(store, {}, slots, clock)
    # Celery takes a third of a second to import, and is needed only here.
    from beseda.engine.jobs.broker import Broker
    from beseda.engine.jobs.celery import CeleryJobs

    return CeleryJobs(store, Broker(settings.celery_broker_url), slots, clock)


async def _open_features(settings: Settings, engine: EngineServices, stack: AsyncExitStack) -> FeatureServices:
    database, clock, jobs, bus = engine.database, engine.clock, engine.jobs, engine.ephemeral.bus

    async def publish_lead(lead_id: int) -> None:
        await bus.publish("leads", {"lead_id": lead_id})

    api_keys = ApiKeyService(ApiKeyRepository(database, clock), clock)
    stack.push_async_callback(api_keys.close)
    webhooks = WebhookService(
        WebhookRepository(database, clock),
        HttpSender(allow_private=settings.webhooks_allow_private),
        jobs,
        clock,
        secrets=EventSecrets(settings.events_secret, settings.events_secret_old),
    )
    stack.push_async_callback(webhooks.close)
    await webhooks.note_secrets()
    database.listen(webhooks.ring)
    analytics = AnalyticsService(AnalyticsRepository(database, clock), clock)
    reports = ReportRepository(database, clock)
    return FeatureServices(
        leads=LeadService(
            LeadRepository(database, clock),
            EventRepository(database, clock),
            clock,
            region=settings.phone_region,
            bell=publish_lead,
        ),
        meetings=MeetingService(MeetingRepository(database, clock, settings.admin_ids), jobs, bus, clock),
        broadcasts=BroadcastService(
            BroadcastRepository(database, clock),
            SubscriptionRepository(database, clock),
            jobs,
            clock,
            BroadcastRules(
                admins=settings.admin_ids,
                plan=BroadcastPlan(rate=settings.broadcast_rate, quiet=read_quiet_hours(settings.broadcast_quiet)),
                mailing=MailingRules(stop=StopRule(share=settings.broadcast_blocks / 100)),
            ),
        ),
        analytics=analytics,
        reports=ReportService(
            reports, Gatherer(reports, analytics, clock), jobs, settings.storage_dir / "reports", clock
        ),
        webhooks=webhooks,
        api_keys=api_keys,
        takeovers=TakeoverService(TakeoverRepository(database, clock), engine.updates, bus, clock),
    )
