"""Ending an answer that is being made: the native button of a draft, ours under a message, `/stop`."""

from beseda.dispatch.context import Context, argument
from beseda.dispatch.events import Press, StopRequest
from beseda.dispatch.router import Router
from beseda.locales import Text

router = Router()

_NOTHING = Text("stop.nothing")


@router.on(StopRequest)
async def stop_draft(context: Context) -> None:
    """Stop the answer that the draft shows."""
    assert isinstance(context.event, StopRequest)  # noqa: S101 - the router's promise, for the type checker
    context.desk.chat.stop(context.event.place.chat, context.event.draft_id)


@router.press("stop")
async def stop_message(context: Context) -> None:
    """Stop the answer whose turn the button names: a late press must not stop the next answer."""
    assert isinstance(context.event, Press)  # noqa: S101
    number = "".join(argument(context.event.data)[:1])
    stopped = number.isdecimal() and context.desk.chat.stop(context.event.place.chat, int(number))
    await context.acknowledge("" if stopped else context.say(_NOTHING))


@router.command("stop")
async def stop_by_command(context: Context) -> None:
    """End the answer in this chat, or say that there is none."""
    if not context.desk.chat.stop(context.event.place.chat):
        await context.reply(context.say(_NOTHING))
