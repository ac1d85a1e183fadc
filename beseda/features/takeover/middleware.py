"""A conversation that an operator has taken over: the person's messages are stored, and the bot does not answer.

Commands still work: they are meant for the program, and a person may always stop it or erase their data.
"""

from beseda.engine.context import Context
from beseda.engine.incoming import IncomingMessage, MessageKind, Press
from beseda.engine.middleware import ASKING
from beseda.engine.router import Handler
from beseda.engine.turns.model import TurnKind, TurnState
from beseda.engine.turns.question import Question
from beseda.features.takeover.service import TakeoverService
from beseda.locales import Text

_HELD = frozenset(
    {
        MessageKind.TEXT,
        MessageKind.VOICE,
        MessageKind.VIDEO_NOTE,
        MessageKind.AUDIO,
        MessageKind.VIDEO,
        MessageKind.PHOTO,
        MessageKind.DOCUMENT,
        MessageKind.OTHER,
    }
)
_HUMAN_HERE = Text("takeover.human_here")


async def keep_silent(context: Context, handler: Handler, takeovers: TakeoverService) -> None:
    """Store a message if an operator has taken the conversation over; let everything else through."""
    event = context.event
    if not _concerns_model(context):
        await handler(context)
        return
    context.held = await takeovers.find(event.place.chat) is not None
    if not context.held or (isinstance(event, IncomingMessage) and event.edited):
        await handler(context)
    elif isinstance(event, Press):
        await context.acknowledge(context.say(_HUMAN_HERE))
    elif isinstance(event, IncomingMessage):
        await _keep(context, await _words(context, event))


def _concerns_model(context: Context) -> bool:
    event = context.event
    if isinstance(event, IncomingMessage):
        return not event.command and event.kind in _HELD
    return isinstance(event, Press) and event.data.startswith(ASKING)


async def _words(context: Context, event: IncomingMessage) -> str:
    """Return the text for the operator: the message with the words it replies to. A file without them is named in
    brackets.
    """
    sent = "" if event.kind is MessageKind.TEXT or event.said else f"[{event.kind.value.replace('_', ' ')}]"
    return " ".join(filter(None, [sent, await context.words()]))


async def _keep(context: Context, words: str) -> None:
    """Store words that no model answers; an answer that was given before is delivered."""
    bot, question = context.bot, await context.question(words, TurnKind.COMMAND)
    turn = await context.turn()
    if turn is None:
        await _remember(context, question)
        return
    context.hand_over()
    if turn.state is TurnState.RECEIVED:
        turn.state = TurnState.DELIVERED
        await bot.turns.finish(turn)
    else:
        await bot.delivery.deliver(turn, context.target)  # answered before the operator came, and not whole in the chat


async def _remember(context: Context, question: Question) -> None:
    bot, said = context.bot, question.as_message()
    turn = question.open_turn()
    turn.state = TurnState.DELIVERED
    await bot.turns.open(turn, said)
    context.hand_over()
    await bot.turns.finish(turn)
    await bot.memory.remember(question.conversation, turn.id, [said])
    await bot.bus.publish("conversations", {"conversation_id": question.conversation.id})
