"""Messages that a person edits after they were worked on.

The new words take the place of the earlier ones in the conversation. If it was the last question, it is answered again,
in the message that holds its answer. Words edited while they wait never come here: the model reads the new ones.
"""

from beseda.engine.context import Context
from beseda.engine.incoming import IncomingMessage
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.llm.quotation import own_words
from beseda.telegram.part import Part

router = Router()


@router.edit
async def take_edit(context: Context) -> None:
    """Answer the last question again, correct an earlier one, and answer one that was not addressed to the bot."""
    assert isinstance(context.event, IncomingMessage)  # noqa: S101 - the router's promise, for the type checker
    words, conversation = await context.words(), await context.conversation()
    begun = await context.turn()
    turn = begun or await context.bot.turns.find_question(conversation, context.event.message_id)
    if turn is None:
        await context.ask(words)
    elif begun is not None:
        await context.ask_anew(words, turn)
    elif turn.kind is not TurnKind.COMMAND and turn.input and own_words(turn.input) != own_words(words):
        await _correct(context, turn, words)


async def _correct(context: Context, turn: Turn, words: str) -> None:
    memory, bot = context.bot.memory, context.bot
    last = await memory.conversations.last_turn(turn.conversation)
    turn.input = words
    if turn.id < last or context.held:
        await bot.turns.open(turn, (await context.question(words, turn.kind)).as_message())
        await memory.reload(turn.conversation)
        for correction in bot.handlers.corrections:
            await correction(context)
        return
    await _reopen(context, turn)
    await context.ask_anew(words, turn)


async def _reopen(context: Context, turn: Turn) -> None:
    """Put a turn back to its beginning; the first message of its answer will hold the new one."""
    shown = [part.message_id for part in turn.parts if part.message_id is not None and not part.media]
    turn.state, turn.reason = TurnState.RECEIVED, ""
    turn.attempt += 1
    turn.update_ids = context.event.place.update_ids
    turn.parts = [Part(0, "", message_id=shown[0])] if shown else []
    await context.bot.turns.open(turn, None)
    for part in turn.parts:
        await context.bot.turns.mark_sending(turn, part)
    for message_id in shown[1:]:
        chat_id = context.event.place.chat.chat_id
        await context.try_call("deleteMessage", chat_id=chat_id, message_id=message_id)
