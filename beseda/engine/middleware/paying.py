"""Budgets that the work of an event is charged to: those of its person, its group and the bot."""

from beseda.core.chat import ChatKind
from beseda.engine.context import Context
from beseda.engine.router import Handler
from beseda.engine.usage.budget_service import BudgetService, Payer, paying


async def charge_person(context: Context, handler: Handler, budgets: BudgetService) -> None:
    """Count the calls of the handler against budgets. If no budget limits the bot, only run the handler."""
    bot, place = context.bot, context.event.place
    if not budgets.rules_of(bot.profile.name).limits_anything():
        await handler(context)
        return
    group = None if place.kind is ChatKind.PRIVATE else place.chat.chat_id
    # The update is the same after a crash, and another one asks again.
    key = str(place.update_ids[0]) if place.update_ids else ""
    with paying(Payer(budgets, bot.profile.name, context.person.id, group, key)):
        await handler(context)
