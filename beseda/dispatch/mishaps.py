"""Messages to people about updates that were not worked on as they should have been."""

import logging

from beseda.dispatch.context import Context
from beseda.dispatch.events import IncomingMessage, Press
from beseda.domain.turn import PartState, Turn, TurnKind, TurnState
from beseda.errors import BesedaError, LeaseLostError, SetAsideError, StorageError, TelegramError
from beseda.locales import Text

log = logging.getLogger(__name__)

CROWDED = Text("queue.crowded")
_TOLD_AGAIN = 3600.0  # seconds between two notices of a crowd in one chat


async def set_aside(context: Context) -> None:
    """Close an update that crashed the process or failed time and again, with a notice to its person."""
    error = SetAsideError(f"updates {context.event.place.update_ids}")
    if not isinstance(context.event, IncomingMessage | Press):
        return
    await context.acknowledge(error.say(context.language))
    turn = await context.turn()
    if turn is None:
        turn = (await context.question("", TurnKind.COMMAND)).open_turn()
    elif turn.state is not TurnState.RECEIVED:
        turn.parts, turn.attempt, turn.state = [], turn.attempt + 1, TurnState.RECEIVED
    await context.fail(await context.question(turn.input, turn.kind), error, turn)


async def apologise(context: Context) -> None:
    """Tell the person of a failure that nobody foresaw, and close the turn that was opened for the event."""
    text = BesedaError.text.say(context.language)
    try:
        await context.acknowledge(text, alert=True)
        if isinstance(context.event, IncomingMessage):
            await context.post(text)
    except TelegramError as error:
        log.warning("failed to send the error message: %s", error.detail)
    except (StorageError, LeaseLostError):
        raise
    except Exception:
        log.exception("failed to send the error message")
    await _close_received(context)


async def close_turn(context: Context, turn: Turn) -> None:
    """Give a turn up, and its updates with it, without a word."""
    for part in turn.unsent():
        part.state = PartState.DROPPED
    turn.state, turn.reason = TurnState.FAILED, SetAsideError.__name__
    await context.desk.turns.finish(turn)


async def _close_received(context: Context) -> None:
    """Give up a turn that the failed work has left received, with its updates."""
    desk, place = context.desk, context.event.place
    stored = [await desk.updates.find(desk.profile.name, number) for number in place.update_ids]
    for turn_id in {update.turn_id for update in stored if update is not None and update.turn_id is not None}:
        turn = await desk.turns.find(turn_id)
        if turn is not None and turn.state is TurnState.RECEIVED:
            turn.state, turn.reason = TurnState.FAILED, "crashed"
            await desk.turns.finish(turn)
    await desk.updates.finish(desk.profile.name, place.update_ids)


async def tell_crowded(context: Context) -> None:
    """Reply to the first message that waits beyond a hundred in its chat, once an hour at most."""
    try:
        if await context.desk.cache.add(context.state_key("crowded"), b"1", ttl=_TOLD_AGAIN):
            await context.post(context.say(CROWDED), quotes=True)
    except BesedaError as error:
        log.warning("failed to send the notice of a crowd: %s", error.detail)


async def stop_spinner(context: Context) -> None:
    """Acknowledge a press that waits behind other work: Telegram takes no answer to it after a while."""
    await context.acknowledge()
