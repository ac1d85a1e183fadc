"""Permanent data: the repositories over one database."""

from dataclasses import dataclass

from beseda.core.clock import Clock
from beseda.db.database import Database
from beseda.engine.bot_accounts import BotAccountRepository
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.summary_repository import SummaryRepository
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.repository import FileRepository
from beseda.engine.flood_waits.repository import FloodWaitRepository
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.processes.repository import ProcessRepository
from beseda.engine.shards.repository import TerritoryRepository
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.turns.sent_messages import SentMessageRepository
from beseda.engine.updates.repository import UpdateRepository
from beseda.engine.usage.model_calls import ModelCallRepository
from beseda.engine.usage.repository import BudgetRepository
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.api_keys.repository import ApiKeyRepository
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.broadcasts.subscriptions import SubscriptionRepository
from beseda.features.conversations.queries import ConversationList
from beseda.features.jobs.queries import JobList
from beseda.features.leads.repository import LeadRepository
from beseda.features.meetings.repository import MeetingRepository
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.features.reports.repository import ReportRepository
from beseda.features.sales.repository import SalesRepository
from beseda.features.takeover.repository import TakeoverRepository
from beseda.features.webhooks.repository import WebhookRepository
from beseda.web.idempotency_repository import KeptAnswerRepository


@dataclass(frozen=True, slots=True)
class Repositories:
    """The repositories of permanent data."""

    database: Database
    updates: UpdateRepository
    turns: TurnRepository
    conversations: ConversationRepository
    flood_waits: FloodWaitRepository
    jobs: JobRepository
    files: FileRepository
    personal_data: PersonalDataRepository
    meetings: MeetingRepository
    territory: TerritoryRepository
    budgets: BudgetRepository
    broadcasts: BroadcastRepository
    subscriptions: SubscriptionRepository
    api_keys: ApiKeyRepository
    kept_answers: KeptAnswerRepository
    conversation_list: ConversationList
    analytics: AnalyticsRepository
    reports: ReportRepository
    job_list: JobList
    takeovers: TakeoverRepository
    sales: SalesRepository
    leads: LeadRepository
    events: EventRepository
    webhooks: WebhookRepository
    summaries: SummaryRepository
    model_calls: ModelCallRepository
    sent_messages: SentMessageRepository
    bot_accounts: BotAccountRepository
    processes: ProcessRepository


def open_record(database: Database, clock: Clock, admin_ids: frozenset[int] = frozenset()) -> Repositories:
    return Repositories(
        database=database,
        updates=UpdateRepository(database, clock),
        turns=TurnRepository(database, clock),
        conversations=ConversationRepository(database, clock),
        flood_waits=FloodWaitRepository(database, clock),
        jobs=JobRepository(database, clock, shared=True),
        files=FileRepository(database),
        personal_data=PersonalDataRepository(database, clock, admin_ids),
        meetings=MeetingRepository(database, clock, admin_ids),
        territory=TerritoryRepository(database, clock),
        budgets=BudgetRepository(database, clock),
        broadcasts=BroadcastRepository(database, clock),
        subscriptions=SubscriptionRepository(database, clock),
        api_keys=ApiKeyRepository(database, clock),
        kept_answers=KeptAnswerRepository(database, clock),
        conversation_list=ConversationList(database),
        analytics=AnalyticsRepository(database, clock),
        reports=ReportRepository(database, clock),
        job_list=JobList(database),
        takeovers=TakeoverRepository(database, clock),
        sales=SalesRepository(database),
        leads=LeadRepository(database, clock),
        events=EventRepository(database, clock),
        webhooks=WebhookRepository(database, clock),
        summaries=SummaryRepository(database, clock),
        model_calls=ModelCallRepository(database, clock),
        sent_messages=SentMessageRepository(database),
        bot_accounts=BotAccountRepository(database, clock),
        processes=ProcessRepository(database),
    )
