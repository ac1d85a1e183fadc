"""Buttons of work that takes its time: cancel it, have it done again."""

from beseda.dispatch.context import Context, argument
from beseda.dispatch.events import Press
from beseda.dispatch.router import Router
from beseda.domain.job import Job
from beseda.kit.texts import Text

router = Router()

_OVER = Text(ru="Это уже закончено.", en="That is over already.")
_NOT_YOURS = Text(ru="Это может только тот, кто попросил.", en="Only the person who asked can do that.")


@router.press("job")
async def handle_job(context: Context) -> None:
    """Cancel a job, or hand the work of one that failed in once more."""
    assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
    chores = context.desk.chores
    if await chores.resume(context):
        return
    choice, number = argument(context.event.data)
    job = await context.desk.jobs.find(int(number))
    if job is None or job.request.bot != context.desk.profile.name:
        await context.acknowledge(context.say(_OVER))
    elif job.request.user_id != context.person.id:
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
    elif choice == "cancel":
        cancelled = await context.desk.jobs.cancel(job.id)
        await context.acknowledge("" if cancelled else context.say(_OVER))
    elif job.state.is_over:
        await _do_again(context, job)


async def _do_again(context: Context, job: Job) -> None:
    await context.acknowledge()
    place = context.event.place.chat
    if isinstance(context.event, Press):
        await context.try_call("editMessageReplyMarkup", chat_id=place.chat_id, message_id=context.event.message_id)
    await context.desk.chores.start(context, job.request.kind, job.request.payload, slot=job.request.slot)
