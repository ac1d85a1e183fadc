"""All tables of the database: `metadata` is complete once this module is imported. Migrations and backups need that."""

from beseda.db.schema import metadata
from beseda.engine import bot_accounts
from beseda.engine.conversations import summary_repository as summaries
from beseda.engine.conversations import tables as conversations
from beseda.engine.events import tables as events
from beseda.engine.files import tables as files
from beseda.engine.flood_waits import repository as flood_waits
from beseda.engine.jobs import tables as jobs
from beseda.engine.processes import repository as processes
from beseda.engine.shards import repository as shards
from beseda.engine.turns import tables as turns
from beseda.engine.updates import tables as updates
from beseda.engine.usage import tables as usage
from beseda.ephemeral import sql_state
from beseda.features.analytics import tables as analytics
from beseda.features.api_keys import tables as api_keys
from beseda.features.broadcasts import tables as broadcasts
from beseda.features.leads import tables as leads
from beseda.features.meetings import tables as meetings
from beseda.features.reports import tables as reports
from beseda.features.takeover import tables as takeover
from beseda.web import tables as web

MODULES = (
    bot_accounts,
    summaries,
    conversations,
    events,
    files,
    flood_waits,
    jobs,
    processes,
    shards,
    turns,
    updates,
    usage,
    sql_state,
    analytics,
    api_keys,
    broadcasts,
    leads,
    meetings,
    reports,
    takeover,
    web,
)

__all__ = ["MODULES", "metadata"]
