"""`meeting.expire` every minute, and `meeting.summarise` once for each confirmed meeting."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from beseda.core.errors import NotFoundError
from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.engine.usage.budgeted import BotModels
from beseda.engine.usage.ledger import UsageLedger
from beseda.features.meetings.briefing import BriefingService
from beseda.features.meetings.service import MeetingService

# Reminders and ends of meetings go with it: all that time alone does to meetings.
SCHEDULE = (Scheduled("meeting.expire", every=timedelta(minutes=1), slot="light"),)


def tasks(
    meetings: MeetingService,
    briefing: BriefingService,
    models_of: Callable[[str], BotModels],
    usage: UsageLedger,
    language: str,
) -> Mapping[str, JobHandler]:
    """Return the handlers for reminders and ends of meetings, and for the summaries before them.

    `models_of` returns the models of a bot, `language` is that of a summary.
    """

    async def expire(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"meetings": await meetings.pass_time()}

    async def summarise(job: Job, _control: JobControl) -> Mapping[str, object]:
        number = int(str(job.request.payload["meeting_id"]))
        try:
            meeting = await meetings.find(number)
            spec = str(job.request.payload.get("model") or meetings.diary(meeting.bot).model)
            model = await models_of(meeting.bot).find(spec)
            model = usage.keep(model, CallPurpose(meeting.bot, Purpose.BRIEFING))
            return {"written": await briefing.brief(number, model, language)}
        except NotFoundError:  # deleted with its lead, or the bot makes no appointments any more
            return {"written": False}

    return {"meeting.expire": expire, "meeting.summarise": summarise}
