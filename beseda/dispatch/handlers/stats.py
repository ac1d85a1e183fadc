"""`/stats`: what a conversation has used."""

from beseda.dispatch.context import Context
from beseda.dispatch.router import Router
from beseda.kit.texts import Text

router = Router()

_STATS = Text(
    ru="""**Наш разговор**

- сообщений от вас: {messages}
- моих ответов: {answers}
- токенов прочитано моделью: {prompt}
- токенов написано моделью: {completion}{cost}""",
    en="""**Our conversation**

- messages from you: {messages}
- my answers: {answers}
- tokens the model read: {prompt}
- tokens the model wrote: {completion}{cost}""",
)
_COST = Text(ru="\n- стоимость: ${cost:.4f}", en="\n- cost: ${cost:.4f}")


@router.command("stats")
async def show_stats(context: Context) -> None:
    """Count messages, tokens and money of this conversation."""
    totals = await context.desk.memory.conversations.totals(await context.conversation())
    cost = context.say(_COST, cost=totals.cost) if totals.cost else ""
    await context.reply(
        context.say(
            _STATS,
            messages=totals.messages,
            answers=totals.answers,
            prompt=totals.prompt_tokens,
            completion=totals.completion_tokens,
            cost=cost,
        )
    )
