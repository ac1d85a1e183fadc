"""`conversation.summarise`: messages that have left a conversation's window are summarised."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.conversations.summary import KIND
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.usage.budgeted import BotModels
from beseda.llm.demo import ENDPOINT_NAME

if TYPE_CHECKING:
    from beseda.app.container import Container


def tasks(container: "Container") -> Mapping[str, JobHandler]:
    """Return the handler that writes summaries."""

    async def summarise(job: Job, _control: JobControl) -> Mapping[str, object]:
        payload = job.request.payload
        bot, number, window = (
            str(payload.get("bot", "")),
            int(str(payload["conversation_id"])),
            int(str(payload["window"])),
        )
        models = BotModels(container.models, container.budgets, bot)
        model = await models.find(str(payload.get("model", "")))
        if model.name.partition(":")[0] == ENDPOINT_NAME:
            return {"written": False}  # the demo thinks of nothing, and its words would stay when a model comes
        errand = CallPurpose(bot, Purpose.SUMMARY, number)
        written = await container.summaries.summarise(number, window, container.call_book.keep(model, errand))
        return {"written": written is not None}

    return {KIND: summarise}
