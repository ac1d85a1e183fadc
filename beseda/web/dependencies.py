"""Dependencies of the routes: the services, by name."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from beseda.api.health import Check
from beseda.api.monitoring import MonitoringSources
from beseda.core.clock import Clock
from beseda.engine.bot import BotProfile
from beseda.engine.files.repository import FileRepository
from beseda.engine.files.service import FileService
from beseda.engine.jobs.base import JobQueue
from beseda.ephemeral.base.rate_limit import RateLimiter
from beseda.features.analytics.service import AnalyticsService
from beseda.features.api_keys.service import ApiKeyService
from beseda.features.broadcasts.service import BroadcastService
from beseda.features.conversations.queries import ConversationList
from beseda.features.jobs.queries import JobList
from beseda.features.leads.service import LeadService
from beseda.features.meetings.service import MeetingService
from beseda.features.reports import ReportService
from beseda.features.takeover.service import TakeoverService
from beseda.features.webhooks.service import WebhookService
from beseda.llm.base import ModelFinder
from beseda.web.idempotency_repository import KeptAnswerRepository


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """How much a key may ask: `rate` requests a minute (0: no limit), `body` bytes in one request.

    `hosts` are the public names under which pages without a key answer.
    """

    rate: int = 600
    body: int = 1024 * 1024
    cors_origins: Sequence[str] = ()
    hosts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BotList:
    """The known bots. `running` returns the names of those running in this process; None if no bots run in it."""

    profiles: Sequence[BotProfile] = ()
    running: Callable[[], Set[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """The services of the API. A new group of routes adds its own here and in `beseda.asgi`."""

    clock: Clock
    keys: ApiKeyService
    kept_answers: KeptAnswerRepository
    limiter: RateLimiter
    conversations: ConversationList
    takeovers: TakeoverService
    files: FileService
    file_list: FileRepository
    jobs: JobQueue
    meetings: MeetingService
    leads: LeadService
    webhooks: WebhookService
    job_list: JobList
    analytics: AnalyticsService
    reports: ReportService
    broadcasts: BroadcastService
    bots: BotList = BotList()
    model: str = ""
    models: ModelFinder | None = None
    limits: ApiLimits = ApiLimits()
    checks: Mapping[str, Check] = field(default_factory=dict)
    sources: MonitoringSources | None = None
