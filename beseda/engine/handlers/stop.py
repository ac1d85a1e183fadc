"""Ending an answer that is being made, by the native button of a draft, ours or `/stop`, and having it go on."""

from beseda.engine.content import may_act_for
from beseda.engine.context import Context, argument
from beseda.engine.incoming import Press, StopRequest
from beseda.engine.router import Router
from beseda.locales import Text

router = Router()

_NOTHING = Text("stop.nothing")
_ASKED = Text("stop.asked")
_NOT_YOURS = Text("stop.not_yours")


@router.on(StopRequest)
async def stop_draft(context: Context) -> None:
    """Stop the answer that the draft shows."""
    assert isinstance(context.event, StopRequest)  # noqa: S101 - the router's promise, for the type checker
    context.bot.chat.stop(context.event.place.chat, context.event.draft_id)


@router.press("stop")
async def stop_message(context: Context) -> None:
    """Stop the answer of the turn that the button names. A late press must not stop the next answer."""
    assert isinstance(context.event, Press)  # noqa: S101
    number = "".join(argument(context.event.data)[:1])
    stopped = number.isdecimal() and context.bot.chat.stop(context.event.place.chat, int(number))
    await context.acknowledge("" if stopped else context.say(_NOTHING))


@router.command("stop")
async def stop_by_command(context: Context) -> None:
    """Stop the answer in this chat, or reply that there is none."""
    if not context.bot.chat.stop(context.event.place.chat):
        await context.reply(context.say(_NOTHING))


@router.press("more")
async def go_on(context: Context) -> None:
    """Ask the model to go on with an answer that was stopped or cut."""
    assert isinstance(context.event, Press)  # noqa: S101
    if not may_act_for(context.person, int(argument(context.event.data)[0])):
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
        return
    await context.acknowledge()
    await context.ask(context.say(_ASKED))
