"""`/stats`: the usage of a conversation."""

from beseda.core.chat import ChatKind
from beseda.engine.context import Context
from beseda.engine.router import Router
from beseda.engine.usage.budget import BudgetScope, BudgetStatus, Unit
from beseda.engine.usage.budget_service import BudgetService
from beseda.locales import Text

router = Router()

_STATS = Text("stats.stats")
_TOKENS = Text("stats.tokens")
_TODAY = Text("stats.today")
_LINE = Text("stats.line")
_WHAT = {
    Unit.TOKENS: Text("stats.what.tokens"),
    Unit.SPEECH: Text("stats.what.speech"),
    Unit.PICTURES: Text("stats.what.pictures"),
}
_WHOSE = {
    BudgetScope.USER: Text("stats.whose.user"),
    BudgetScope.GROUP: Text("stats.whose.group"),
    BudgetScope.BOT: Text("stats.whose.bot"),
    BudgetScope.TOTAL: Text("stats.whose.total"),
}
_COST = Text("stats.cost")


@router.command("stats", wordless=True)
async def show_stats(context: Context, budgets: BudgetService) -> None:
    """Report messages, tokens and cost of this conversation, and the rest of the day's budgets."""
    totals = await context.bot.memory.conversations.totals(await context.conversation())
    cost = context.say(_COST, cost=totals.cost) if totals.cost else ""
    read, written = totals.prompt_tokens, totals.completion_tokens
    tokens = context.say(_TOKENS, prompt=read, completion=written) if read or written else ""
    stats = context.say(_STATS, messages=totals.messages, answers=totals.answers, tokens=tokens, cost=cost)
    await context.reply("\n\n".join(filter(None, [stats, await _describe_budgets(context, budgets)])))


async def _describe_budgets(context: Context, budgets: BudgetService) -> str:
    """Return the status of the budgets that limit the person here, or an empty string if there are none."""
    bot, place = context.bot, context.event.place
    group = None if place.kind is ChatKind.PRIVATE else place.chat.chat_id
    statuses = await budgets.statuses(bot.profile.name, context.person.id, group)
    if not statuses:
        return ""
    hours, minutes = divmod(round(budgets.renewal(bot.profile.name) / 60), 60)
    lines = [_describe(context, status) for status in reversed(statuses)]
    return "\n".join([context.say(_TODAY, hours=hours, minutes=minutes), "", *lines])


def _describe(context: Context, status: BudgetStatus) -> str:
    account = status.account
    figures = (status.used + status.held, account.limit, status.left)
    used, limit, left = (write_amount(amount, account.unit) for amount in figures)
    what, whose = context.say(_WHAT[account.unit]), context.say(_WHOSE[account.scope])
    return context.say(_LINE, what=what, whose=whose, used=used, limit=limit, left=left)


def write_amount(amount: int, unit: Unit) -> str:
    """Return an amount of a unit as text: speech in minutes, with one decimal only if the minutes are not whole and
    below 100.
    """
    size = 60 if unit is Unit.SPEECH else 1
    digits = 1 if amount % size and amount < 100 * size else 0
    return f"{amount / size:,.{digits}f}".replace(",", " ")
