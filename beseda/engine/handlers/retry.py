"""The button under a failure: the same question once more."""

from beseda.engine.content import may_act_for
from beseda.engine.context import Context, argument
from beseda.engine.incoming import Press
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn, TurnState
from beseda.locales import Text

router = Router()

_GONE = Text("retry.gone")


@router.press("retry")
async def retry(context: Context) -> None:
    """Take the failed turn up again; one that is being answered, or has been, is left alone."""
    assert isinstance(context.event, Press)  # noqa: S101
    turn = await context.turn() or await context.bot.turns.find(int(argument(context.event.data)[0]))
    if turn is None or not _is_theirs(context, turn) or not _can_be_retried(turn):
        await context.acknowledge(context.say(_GONE))
        return
    await context.acknowledge()
    if context.event.place.turn_id is None:
        if not _is_latest(turn, context.event.message_id):
            return  # pressed twice: the first press has been seen to
        await _reopen(context, turn, context.event.message_id)
    if turn.input:
        await context.ask_again(turn)
    else:
        await context.bot.handlers.listener(context, turn)


def _can_be_retried(turn: Turn) -> bool:
    """Return whether the turn has failed and its words, or their recording, have not been wiped since."""
    return turn.state is not TurnState.DELIVERED and turn.can_be_repeated


def _is_theirs(context: Context, turn: Turn) -> bool:
    return turn.conversation.key == context.event.place.chat and may_act_for(context.person, turn.user_id)


def _is_latest(turn: Turn, notice: int | None) -> bool:
    """Return whether the button is under a message of the turn's current answer, or no message of it is known."""
    known = {part.message_id for part in turn.parts if part.message_id is not None}
    return not known or notice in known


async def _reopen(context: Context, turn: Turn, notice: int | None) -> None:
    """Put a failed turn back to its beginning, now owned by the update of the button, and take the button away."""
    turn.state, turn.reason, turn.parts = TurnState.RECEIVED, "", []
    turn.attempt += 1
    turn.update_ids = context.event.place.update_ids
    await context.bot.turns.open(turn, None)
    await context.try_call(
        "editMessageReplyMarkup",
        chat_id=context.event.place.chat.chat_id,
        message_id=notice,
    )
