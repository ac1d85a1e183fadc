"""Permanent data: the repositories over one database."""

from dataclasses import dataclass

from beseda.jobs.base import JobStore
from beseda.kit.clock import Clock
from beseda.storage.base.analytics import AnalyticsStore
from beseda.storage.base.api_key import ApiKeyStore
from beseda.storage.base.bot_account import BotAccountStore
from beseda.storage.base.broadcast import BroadcastStore, SubscriptionStore
from beseda.storage.base.budget import BudgetStore
from beseda.storage.base.conversation import ConversationStore
from beseda.storage.base.conversation_list import ConversationList
from beseda.storage.base.event import EventStore
from beseda.storage.base.file import FileStore
from beseda.storage.base.flood_wait import FloodWaitStore
from beseda.storage.base.job_list import JobList
from beseda.storage.base.kept_answer import KeptAnswerStore
from beseda.storage.base.lead import LeadStore
from beseda.storage.base.meeting import MeetingStore
from beseda.storage.base.model_call import ModelCallStore
from beseda.storage.base.personal_data import PersonalDataStore
from beseda.storage.base.process import ProcessStore
from beseda.storage.base.report import ReportStore
from beseda.storage.base.sales import SalesStore
from beseda.storage.base.sent_message import SentMessageStore
from beseda.storage.base.summary import SummaryStore
from beseda.storage.base.takeover import TakeoverStore
from beseda.storage.base.territory import TerritoryStore
from beseda.storage.base.turn import TurnStore
from beseda.storage.base.update import UpdateStore
from beseda.storage.base.webhook import WebhookStore
from beseda.storage.sql.analytics import SqlAnalyticsRepository
from beseda.storage.sql.api_key import SqlApiKeyRepository
from beseda.storage.sql.bot_account import SqlBotAccountRepository
from beseda.storage.sql.broadcast import SqlBroadcastRepository
from beseda.storage.sql.budget import SqlBudgetRepository
from beseda.storage.sql.conversation import SqlConversationRepository
from beseda.storage.sql.conversation_list import SqlConversationList
from beseda.storage.sql.database import Database
from beseda.storage.sql.event import SqlEventRepository
from beseda.storage.sql.file import SqlFileRepository
from beseda.storage.sql.flood_wait import SqlFloodWaitRepository
from beseda.storage.sql.job import SqlJobRepository
from beseda.storage.sql.job_list import SqlJobList
from beseda.storage.sql.kept_answer import SqlKeptAnswerRepository
from beseda.storage.sql.lead import SqlLeadRepository
from beseda.storage.sql.meeting import SqlMeetingRepository
from beseda.storage.sql.model_call import SqlModelCallRepository
from beseda.storage.sql.personal_data import SqlPersonalDataRepository
from beseda.storage.sql.process import SqlProcessRepository
from beseda.storage.sql.report import SqlReportRepository
from beseda.storage.sql.sales import SqlSalesRepository
from beseda.storage.sql.sent_message import SqlSentMessageRepository
from beseda.storage.sql.subscription import SqlSubscriptionRepository
from beseda.storage.sql.summary import SqlSummaryRepository
from beseda.storage.sql.takeover import SqlTakeoverRepository
from beseda.storage.sql.territory import SqlTerritoryRepository
from beseda.storage.sql.turn import SqlTurnRepository
from beseda.storage.sql.update import SqlUpdateRepository
from beseda.storage.sql.webhook import SqlWebhookRepository


@dataclass(frozen=True, slots=True)
class Repositories:
    """The repositories of permanent data."""

    updates: UpdateStore
    turns: TurnStore
    conversations: ConversationStore
    flood_waits: FloodWaitStore
    jobs: JobStore
    files: FileStore
    personal_data: PersonalDataStore
    meetings: MeetingStore
    territory: TerritoryStore
    budgets: BudgetStore
    broadcasts: BroadcastStore
    subscriptions: SubscriptionStore
    api_keys: ApiKeyStore
    kept_answers: KeptAnswerStore
    conversation_list: ConversationList
    analytics: AnalyticsStore
    reports: ReportStore
    job_list: JobList
    takeovers: TakeoverStore
    sales: SalesStore
    leads: LeadStore
    events: EventStore
    webhooks: WebhookStore
    summaries: SummaryStore
    model_calls: ModelCallStore
    sent_messages: SentMessageStore
    bot_accounts: BotAccountStore
    processes: ProcessStore


def open_record(database: Database, clock: Clock, admin_ids: frozenset[int] = frozenset()) -> Repositories:
    return Repositories(
        updates=SqlUpdateRepository(database, clock),
        turns=SqlTurnRepository(database, clock),
        conversations=SqlConversationRepository(database, clock),
        flood_waits=SqlFloodWaitRepository(database, clock),
        jobs=SqlJobRepository(database, clock, shared=True),
        files=SqlFileRepository(database),
        personal_data=SqlPersonalDataRepository(database, clock, admin_ids),
        meetings=SqlMeetingRepository(database, clock, admin_ids),
        territory=SqlTerritoryRepository(database, clock),
        budgets=SqlBudgetRepository(database, clock),
        broadcasts=SqlBroadcastRepository(database, clock),
        subscriptions=SqlSubscriptionRepository(database, clock),
        api_keys=SqlApiKeyRepository(database, clock),
        kept_answers=SqlKeptAnswerRepository(database, clock),
        conversation_list=SqlConversationList(database),
        analytics=SqlAnalyticsRepository(database, clock),
        reports=SqlReportRepository(database, clock),
        job_list=SqlJobList(database),
        takeovers=SqlTakeoverRepository(database, clock),
        sales=SqlSalesRepository(database),
        leads=SqlLeadRepository(database, clock),
        events=SqlEventRepository(database, clock),
        webhooks=SqlWebhookRepository(database, clock),
        summaries=SqlSummaryRepository(database, clock),
        model_calls=SqlModelCallRepository(database, clock),
        sent_messages=SqlSentMessageRepository(database),
        bot_accounts=SqlBotAccountRepository(database, clock),
        processes=SqlProcessRepository(database),
    )
