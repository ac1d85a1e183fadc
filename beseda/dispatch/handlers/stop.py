"""Ending an answer that is being made: the native button of a draft, ours under a message, `/stop`."""

from beseda.dispatch.context import Context
from beseda.dispatch.events import StopRequest
from beseda.dispatch.router import Router
from beseda.kit.texts import Text

router = Router()

_NOTHING = Text(ru="Я сейчас и так молчу.", en="I am not saying anything right now.")


@router.on(StopRequest)
async def stop_draft(context: Context) -> None:
    """End the answer whose draft has the button."""
    context.desk.chat.stop(context.event.place.chat)


@router.press("stop")
async def stop_message(context: Context) -> None:
    """End the answer under which the button is."""
    stopped = context.desk.chat.stop(context.event.place.chat)
    await context.acknowledge("" if stopped else context.say(_NOTHING))


@router.command("stop")
async def stop_by_command(context: Context) -> None:
    """End the answer in this chat, or say that there is none."""
    if not context.desk.chat.stop(context.event.place.chat):
        await context.reply(context.say(_NOTHING))
