"""The parts that all bots of a process share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beseda.app.broadcast import build_broadcasts
from beseda.app.budget import build_budgets
from beseda.app.database import open_database
from beseda.app.hot import HotStores, open_hot
from beseda.app.housekeeping import Housekeeping, Shelves
from beseda.app.job import open_jobs
from beseda.app.lead import build_leads
from beseda.app.media import MediaTools, open_media
from beseda.app.model_settings import llm_settings
from beseda.app.report import build_reports
from beseda.app.repositories import Repositories, open_record
from beseda.app.watch import build_watch, check_disk
from beseda.app.webhook import build_webhooks
from beseda.config import Settings
from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import StorageError
from beseda.core.quarantine import Quarantine
from beseda.engine.conversations.summary import SummaryService
from beseda.engine.files.service import FileService
from beseda.engine.processes.registry import ProcessRegistry
from beseda.engine.usage.budget_service import BudgetService
from beseda.engine.usage.ledger import UsageLedger
from beseda.engine.watch import ConditionWatch
from beseda.features.analytics.service import AnalyticsService
from beseda.features.api_keys.service import ApiKeyService
from beseda.features.broadcasts.service import BroadcastService
from beseda.features.leads.service import LeadService
from beseda.features.meetings.service import MeetingService
from beseda.features.personal_data.forgotten import ForgottenList
from beseda.features.personal_data.service import PersonalDataService, Traces
from beseda.features.reports import ReportService
from beseda.features.takeover.service import TakeoverService
from beseda.features.webhooks.service import WebhookService
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel
from beseda.llm.provider import ModelProvider

if TYPE_CHECKING:
    from beseda.engine.jobs.celery import CeleryJobs
    from beseda.engine.jobs.inline import InlineJobs


@dataclass(frozen=True, slots=True)
class Container:
    """The parts that all bots of a process share."""

    settings: Settings
    clock: Clock
    record: Repositories
    hot: HotStores
    models: ModelProvider
    media: MediaTools
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
    call_book: UsageLedger
    takeovers: TakeoverService
    broadcasts: BroadcastService
    processes: ProcessRegistry
    watch: ConditionWatch
    quarantine: Quarantine = field(default_factory=Quarantine)

    def build_housekeeping(self) -> Housekeeping:
        """Return the periodic deletion of old data."""
        shelves = Shelves(self.record.jobs, self.files, self.settings.keep_days)
        return Housekeeping(self.record.updates, self.clock, shelves)

    def build_personal_data(self, namespace: str = "") -> PersonalDataService:
        """Return the export and erasure of personal data; `namespace` is that of a bot's short-term history."""
        forgotten = ForgottenList(self.settings.forgotten_list, self.clock)
        traces = Traces(self.hot.history, self.hot.state, namespace, self.summaries, forgotten)
        return PersonalDataService(self.record.personal_data, self.files, self.jobs, traces, self.media.downloads)

    async def check_database(self) -> str:
        """Return the fault of the database in a few words for `/ready`; empty if it takes reads and writes."""
        try:
            await self.record.updates.unfinished("", limit=1)
        except StorageError:
            return "does not answer"
        return await self.processes.check_writable()

    async def check_disk(self) -> str:
        """Return the fault of the disk of STORAGE_DIR in a word for `/ready`; empty if there is none."""
        return await check_disk(self.settings)

    def join(self, role: str, *, slots: Sequence[str] = (), keeps_schedule: bool = False) -> None:
        """Announce this process to the others, and log stalled parts of the installation, until the container closes.

        `slots` are the kinds of job that the process works on.
        """
        self.processes.start(role, slots=slots, keeps_schedule=keeps_schedule)
        self.watch.start()


@asynccontextmanager
async def open_container(
    settings: Settings, *, model: ChatModel | None = None, clock: Clock | None = None
) -> AsyncIterator[Container]:
    """Open everything that `settings` name; `model` and `clock` replace those of the settings.

    Raises SettingsError. Raises StorageError if the database or Redis cannot be reached.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        record = open_record(database, clock, settings.admin_ids)
        hot = await open_hot(settings, database, stack)
        http = await stack.enter_async_context(HttpClient())
        models = await ModelProvider.open(llm_settings(settings), clock, http, program=model)
        stack.push_async_callback(models.close)
        media = await open_media(settings, clock, stack)
        files = FileService(record.files, settings.storage_dir / "files", clock)
        jobs = await open_jobs(record.jobs, settings, hot.bus, clock, stack)
        summaries = SummaryService(record.summaries, jobs, clock, hot.bus)
        summaries.start()
        stack.push_async_callback(summaries.close)
        api_keys = ApiKeyService(record.api_keys, clock)
        stack.push_async_callback(api_keys.close)
        processes = ProcessRegistry(record.processes, clock)
        stack.push_async_callback(processes.close)
        webhooks = build_webhooks(settings, record, jobs, clock, stack)
        await webhooks.note_secrets()
        database.listen(webhooks.ring)
        watch = build_watch(settings, record, (processes, webhooks), clock)
        stack.push_async_callback(watch.close)
        yield Container(
            settings=settings,
            clock=clock,
            record=record,
            hot=hot,
            models=models,
            media=media,
            files=files,
            budgets=build_budgets(settings, record.budgets, clock),
            jobs=jobs,
            meetings=MeetingService(record.meetings, jobs, hot.bus, clock),
            leads=build_leads(record, hot, clock, region=settings.phone_region),
            webhooks=webhooks,
            api_keys=api_keys,
            analytics=AnalyticsService(record.analytics, clock),
            summaries=summaries,
            call_book=UsageLedger(record.model_calls, clock),
            reports=build_reports(settings, record, jobs, clock),
            takeovers=TakeoverService(record.takeovers, record.updates, hot.bus, clock),
            broadcasts=build_broadcasts(settings, record, jobs, clock),
            processes=processes,
            watch=watch,
        )
