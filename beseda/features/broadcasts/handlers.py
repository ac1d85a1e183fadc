"""Opting out of broadcasts: by the button under each, or by command."""

from beseda.engine.context import Context
from beseda.engine.router import Router
from beseda.locales import Text

router = Router()

_OFF = Text("broadcasts.off")
_ON = Text("broadcasts.on")


@router.command("unsubscribe", wordless=True)
async def unsubscribe(context: Context) -> None:
    """Send no broadcasts to the person."""
    await context.conversation()  # the person is on record before what they want is
    await context.bot.broadcasts.subscriptions.opt_out(context.bot.profile.name, context.person.id)
    await context.reply(context.say(_OFF))


@router.command("subscribe", wordless=True)
async def subscribe(context: Context) -> None:
    """Send them again."""
    await context.conversation()
    await context.bot.broadcasts.subscriptions.opt_in(context.bot.profile.name, context.person.id)
    await context.reply(context.say(_ON))


@router.press("broadcast")
async def press_opt_out(context: Context) -> None:
    """Opt the presser out of broadcasts, even if the message was forwarded to them."""
    await context.conversation()
    await context.bot.broadcasts.subscriptions.opt_out(context.bot.profile.name, context.person.id)
    await context.acknowledge(context.say(_OFF), alert=True)
