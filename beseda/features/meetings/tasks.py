"""`meeting.expire` every minute, and `meeting.summarise` once for each confirmed meeting."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from beseda.core.errors import NotFoundError
from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.engine.usage.budgeted import BotModels
from beseda.features.meetings.briefing import BriefingService, BriefingSources

if TYPE_CHECKING:
    from beseda.app.container import Container

# Reminders and ends of meetings go with it: all that time alone does to meetings.
SCHEDULE = (Scheduled("meeting.expire", every=timedelta(minutes=1), slot="light"),)


def tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handlers for reminders and ends of meetings, and for the summaries before them."""
    meetings = container.meetings

    async def expire(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"meetings": await meetings.pass_time()}

    async def summarise(job: Job, _control: JobControl) -> Mapping[str, object]:
        number = int(str(job.request.payload["meeting_id"]))
        try:
            meeting = await meetings.find(number)
            spec = str(job.request.payload.get("model") or meetings.diary(meeting.bot).model)
            models = BotModels(container.models, container.budgets, meeting.bot)
            model = container.call_book.keep(await models.find(spec), CallPurpose(meeting.bot, Purpose.BRIEFING))
            sources = BriefingSources(
                meetings, container.record.meetings, container.leads, container.record.conversations
            )
            briefing = BriefingService(sources, container.clock)
            return {"written": await briefing.brief(number, model, container.settings.language)}
        except NotFoundError:  # deleted with its lead, or the bot makes no appointments any more
            return {"written": False}

    return {"meeting.expire": expire, "meeting.summarise": summarise}
