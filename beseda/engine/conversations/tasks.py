"""`conversation.summarise`: messages that have left a conversation's window are summarised."""

from collections.abc import Callable, Mapping

from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.conversations.summary import KIND, SummaryService
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.usage.budgeted import BotModels
from beseda.engine.usage.ledger import UsageLedger
from beseda.llm.demo import ENDPOINT_NAME


def tasks(
    summaries: SummaryService, models_of: Callable[[str], BotModels], usage: UsageLedger
) -> Mapping[str, JobHandler]:
    """Return the handler that writes summaries; `models_of` returns the models of a bot."""

    async def summarise(job: Job, _control: JobControl) -> Mapping[str, object]:
        payload = job.request.payload
        bot, number, window = (
            str(payload.get("bot", "")),
            int(str(payload["conversation_id"])),
            int(str(payload["window"])),
        )
        model = await models_of(bot).find(str(payload.get("model", "")))
        if model.name.partition(":")[0] == ENDPOINT_NAME:
            return {"written": False}  # the demo thinks of nothing, and its words would stay when a model comes
        purpose = CallPurpose(bot, Purpose.SUMMARY, number)
        written = await summaries.summarise(number, window, usage.keep(model, purpose))
        return {"written": written is not None}

    return {KIND: summarise}
