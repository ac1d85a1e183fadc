"""Messages to people about updates that were not worked on as they should have been."""

import logging

from beseda.core.errors import BesedaError, LeaseLostError, SetAsideError, StorageError
from beseda.engine.context import Context
from beseda.engine.incoming import IncomingMessage, Press
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.locales import Text
from beseda.locales.errors import error_text, explain
from beseda.telegram.part import PartState

log = logging.getLogger(__name__)

CROWDED = Text("queue.crowded")
_TOLD_AGAIN = 3600.0  # seconds between two notices of a crowd in one chat


async def set_aside(context: Context) -> None:
    """Close an update that crashed the process or failed time and again, with a notice to its person."""
    error = SetAsideError(f"updates {context.event.place.update_ids}")
    if not isinstance(context.event, IncomingMessage | Press):
        return
    await context.acknowledge(explain(error, context.language))
    turn = await context.turn()
    if turn is None:
        turn = (await context.question("", TurnKind.COMMAND)).open_turn()
    elif turn.state is not TurnState.RECEIVED:
        turn.parts, turn.attempt, turn.state = [], turn.attempt + 1, TurnState.RECEIVED
    await context.fail(await context.question(turn.input, turn.kind), error, turn)


async def apologise(context: Context, error: Exception) -> None:
    """Notify the person once of a crash of a handler, and close the turn of the event as failed.

    A turn that has words gets a button to try again. An answer that is stored already is delivered instead.
    """
    updates, name = context.bot.updates, context.bot.profile.name
    numbers = context.event.place.update_ids
    stored = [update for number in numbers if (update := await updates.find(name, number)) is not None]
    if not stored:
        return  # its outcome is delivered
    turn_id = next((update.turn_id for update in stored if update.turn_id is not None), None)
    turn = await context.bot.turns.find(turn_id) if turn_id is not None else None
    try:
        await _tell_of_crash(context, turn, f"crashed: {type(error).__name__}")
    except (StorageError, LeaseLostError):
        raise
    except Exception:
        log.exception("failed to send the error message")
        if turn is not None:
            await close_turn(context, turn, "crashed")
    await updates.finish(name, numbers)


async def _tell_of_crash(context: Context, turn: Turn | None, reason: str) -> None:
    if turn is not None and turn.state is not TurnState.RECEIVED:
        await context.bot.delivery.deliver(turn, context.target)
    elif turn is not None or isinstance(context.event, IncomingMessage):
        turn = turn or await _open_turn(context)
        await context.fail(await context.question(turn.input, turn.kind), BesedaError(), turn, crash=reason)
    else:
        await context.acknowledge(error_text(BesedaError).say(context.language), alert=True)


async def _open_turn(context: Context) -> Turn:
    """Return a new turn for a message, with its text if the model can be asked about it again."""
    event = context.event
    is_question = isinstance(event, IncomingMessage) and not event.command and bool(event.text or event.quoted)
    words = await context.words() if is_question else ""
    return (await context.question(words, TurnKind.CHAT if words else TurnKind.COMMAND)).open_turn()


async def close_turn(context: Context, turn: Turn, reason: str = SetAsideError.__name__) -> None:
    """Give a turn up, and its updates with it, without a message."""
    for part in turn.unsent():
        part.state = PartState.DROPPED
    turn.state, turn.reason = TurnState.FAILED, reason
    await context.bot.turns.finish(turn)


async def tell_crowded(context: Context) -> None:
    """Reply to the first message that waits beyond a hundred in its chat, once an hour at most."""
    try:
        if await context.bot.cache.add(context.state_key("crowded"), b"1", ttl=_TOLD_AGAIN):
            await context.post(context.say(CROWDED), quotes=True)
    except BesedaError as error:
        log.warning("failed to send the notice of a crowd: %s", error.detail)
