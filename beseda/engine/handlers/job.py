"""Buttons of work that takes its time: cancel it, have it done again."""

from beseda.engine.content import may_act_for
from beseda.engine.context import Context, argument
from beseda.engine.incoming import Press
from beseda.engine.jobs.model import Job
from beseda.engine.router import Router
from beseda.locales import Text

router = Router()

_KEPT = 30 * 86_400.0  # seconds that a job is known to have been done again: longer than jobs are kept
_OVER = Text("jobs.over")
_NOT_YOURS = Text("jobs.not_yours")


@router.press("job")
async def handle_job(context: Context) -> None:
    """Cancel a job, or hand the work of one that failed in once more."""
    assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
    jobs = context.bot.jobs
    if await jobs.resume(context):
        return
    choice, number = argument(context.event.data)
    job = await context.bot.jobs.queue.find(int(number))
    if job is None or job.request.bot != context.bot.profile.name:
        await context.acknowledge(context.say(_OVER))
    elif not may_act_for(context.person, job.request.user_id or context.person.id):
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
    elif choice == "cancel":
        cancelled = await context.bot.jobs.queue.cancel(job.id)
        await context.acknowledge("" if cancelled else context.say(_OVER))
    elif job.state.is_over and await _is_first_press(context, job):
        await _do_again(context, job)
    else:
        await context.acknowledge(context.say(_OVER))


async def _is_first_press(context: Context, job: Job) -> bool:
    """Return whether a failed job was not done again yet, and note that this press does it.

    Presses of one chat are handled one after the other. A press that a crash interrupted finds its own number.
    """
    key, number = f"again:{context.bot.me.id}:{job.id}", context.event.place.update_ids[0]
    noted = await context.bot.state.get(key)
    if noted is None:
        await context.bot.state.set(key, {"update": number}, ttl=_KEPT)
    return noted is None or noted.get("update") == number


async def _do_again(context: Context, job: Job) -> None:
    await context.acknowledge()
    place = context.event.place.chat
    if isinstance(context.event, Press):
        await context.try_call("editMessageReplyMarkup", chat_id=place.chat_id, message_id=context.event.message_id)
    await context.bot.jobs.start(context, job.request.kind, job.request.payload, slot=job.request.slot)
