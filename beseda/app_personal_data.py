"""The parts of the program that store data about people."""

from beseda.engine.conversations.personal_data import ConversationData
from beseda.engine.flood_waits.repository import FloodWaitData
from beseda.engine.jobs.personal_data import JobData
from beseda.engine.personal_data import PersonalDataSource
from beseda.engine.usage.personal_data import BudgetData
from beseda.features.analytics.personal_data import ActivityData
from beseda.features.api_keys.personal_data import KeptAnswerData
from beseda.features.broadcasts.personal_data import BroadcastData
from beseda.features.leads.personal_data import LeadData
from beseda.features.meetings.personal_data import MeetingData

# The order of an erasure.
PERSONAL_DATA: tuple[PersonalDataSource, ...] = (
    LeadData(),
    MeetingData(),
    BroadcastData(),
    BudgetData(),
    ActivityData(),
    FloodWaitData(),
    KeptAnswerData(),
    JobData(),
    ConversationData(),
)
